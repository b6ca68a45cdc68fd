// What a generation was started with, frozen at deploy: program and directory resolved, environment read,
// user looked up, health check and timeouts. {port}, {socket} and the like are filled in per incarnation. A
// crashed instance is replaced from its generation's spec, never from the files as they are then. Thread: the
// supervisor's; freezing reads files and the user database.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "config/config.h"
#include "config/key.h"
#include "config/substitute.h"
#include "spawn/plan.h"
#include "spec/file_reader.h"

namespace gracevisor::spec {

using spawn::Credentials;
using spawn::SpawnPlan;

struct Spec {
  config::App app;                  // as configured
  std::filesystem::path directory;  // symlinks resolved; absolute
  std::string program;  // argv[0] found in PATH or directory; absolute, unless it has a placeholder
  std::map<std::string, std::string>
      environment;  // whole and unexpanded: allow-list, files, table; not PORT etc.
  std::vector<std::string>
      inherited;  // its keys taken from the daemon's own environment, which the daemon's starter chose
  std::optional<Credentials> credentials;  // unset: the daemon's own
  // Those by which clients reach the app: each name in app.listen, and those whose default it is.
  std::vector<config::Listener> listeners;
};

using SpecRef = std::shared_ptr<const Spec>;

// The preflight of an app: no side effects. The error names the key and the cause
// ("app.web.command: /srv/web/server: No such file or directory"). `reader`: how its files are read. `hints`
// gets what is allowed but may not be what was meant, one line each.
[[nodiscard]] base::Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                                             const FileReader& reader, std::vector<std::string>& hints);
[[nodiscard]] base::Expected<SpecRef> freeze(const config::App& app,
                                             std::vector<config::Listener> listeners = {},
                                             const FileReader& reader = {});

// "app.web.command: " and the cause.
[[nodiscard]] std::unexpected<base::Error> key_error(std::string_view app, std::string_view key,
                                                     const base::Error& cause);

struct Placement {
  base::GenerationId generation;
  base::Slot slot;
  base::Port port = {};     // 0 unless the endpoint is a port
  std::string socket = {};  // empty unless the endpoint is at a path
  std::string state = {};   // GV_STATE: identifies its daemon (state_id.h)
};

// Fills the placeholders and adds HOME USER LOGNAME SHELL, PORT HOST or SOCKET, GV_STATE GV_APP
// GV_INSTANCE GV_GENERATION. Leaves the limit of open files and the listener unset; the caller knows them.
[[nodiscard]] base::Expected<SpawnPlan> plan(const Spec& spec, const Placement& placement);

// The keys that differ, named as in the configuration file: "command", "environment.SMTP_URL",
// "listen.public.address". What they resolve to counts, and positions in files do not.
[[nodiscard]] std::vector<config::Difference> differences(const Spec& from, const Spec& to);
[[nodiscard]] std::vector<config::Difference> differences(const config::Listener& from,
                                                          const config::Listener& to);
// "command, health.path"
[[nodiscard]] std::string names_of(const std::vector<config::Difference>& differences);

}  // namespace gracevisor::spec
