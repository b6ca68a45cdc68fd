// What the files say, field by field, before it is checked as a whole. The table pointers refer to the files'
// trees, for the positions of keys; the trees live until the check is done. Thread: the one that loads.
#pragma once

#include <string_view>
#include <vector>

#include "config/files.h"

namespace gracevisor::config {

struct AppDraft {
  App app;
  std::string path;  // "app.web"
  const Table* table = nullptr;
};

struct ListenerDraft {
  Listener listener;
  std::string path;              // "listen.public", or for an app's own address "app.web.listen"
  const Table* table = nullptr;  // null for an app's own address
};

struct Draft {
  Daemon daemon;
  Source port_range;  // of daemon.port_range if given
  std::vector<ListenerDraft> listeners;
  std::vector<AppDraft> apps;
};

// Can it name an app or a listener: in a file name, a selector (web@43.1) and a log line?
[[nodiscard]] bool valid_name(std::string_view name);

// The position of `key` in the app's table, or of the app itself if it has no such key.
[[nodiscard]] Source source_of(const AppDraft& draft, std::string_view key);
// The same for a key within one of its tables: "log", "stdout".
[[nodiscard]] Source source_of(const AppDraft& draft, std::string_view table, std::string_view key);

// The configuration that the files make up, or every error, those in `findings` among them.
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> check_files(Files files, const DaemonUser& user,
                                                                         Findings& findings);

// Reads every table of every file.
[[nodiscard]] Draft read_draft(const Files& files, const DaemonUser& user, Findings& findings);

// Checks what each app says about itself: command, endpoint, placeholders, restart, log. Fills in the default
// route.
void check_apps(Draft& draft, const DaemonUser& user, Findings& findings);

// Between apps and listeners: looks up names, checks addresses, routes and default apps; fills in App::listen
// and the listeners that apps define. Across everything: checks ports, socket paths and log files.
void check_listeners(Draft& draft, Findings& findings);
void check_routes(const Draft& draft, Findings& findings);
void check_shared(const Draft& draft, Findings& findings);

}  // namespace gracevisor::config
