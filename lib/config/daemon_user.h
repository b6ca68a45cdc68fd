// Who the daemon is, as far as the configuration depends on it: the default folders, whether `user` can be
// honoured, how strict the files' permissions must be. It is an argument, so that a check need not run as the
// daemon. Thread: any.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "config/load.h"

namespace gracevisor::config {

struct DaemonUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;   // the name of uid; empty if it has none
  std::string group;  // the name of gid
  std::filesystem::path runtime_dir;
  std::filesystem::path state_dir;
  // Who may own the main file besides root and `uid`; unset: anyone, because the user who started the daemon
  // named it.
  std::optional<uid_t> config_owner = std::nullopt;
  // The files are only checked, and may be meant for another user's daemon: what this user could not do is
  // then a warning.
  bool checks = false;
  [[nodiscard]] bool root() const { return uid == 0; }
};

// The effective user of this process, with its usual folders.
[[nodiscard]] DaemonUser current_user();

// `who` with its usual folders: root's, or those from the XDG variables and `home`.
[[nodiscard]] DaemonUser usual_folders(DaemonUser who, const std::filesystem::path& home);

// The root user with its folders, regardless of who runs this process.
[[nodiscard]] DaemonUser root_user();

// Like load() and load_text(), for a daemon that would run as `user`.
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load(const std::filesystem::path& file,
                                                                  const DaemonUser& user);
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load_text(std::string_view text,
                                                                       const std::filesystem::path& name,
                                                                       const DaemonUser& user);

}  // namespace gracevisor::config
