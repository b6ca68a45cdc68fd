// Who the daemon is, as far as the configuration depends on it: the default folders, whether `user` can be
// obeyed, how strict the files' permissions must be. An argument, so that a check need not be the daemon.
// Thread: any.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "config/load.h"

namespace gracevisor::config {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string user;   // the name of uid; empty when it has none
  std::string group;  // the name of gid
  std::filesystem::path runtime_dir;
  std::filesystem::path state_dir;
  // Who may own the main file beside root and `uid`; unset: anybody, as it was named by who started the
  // daemon.
  std::optional<uid_t> config_owner = std::nullopt;
  [[nodiscard]] bool root() const { return uid == 0; }
};

// The effective user of this process, with the folders that are usual for it.
[[nodiscard]] Identity current_identity();

// `who` with the folders that are usual for it: root's, or those of the XDG variables and `home`.
[[nodiscard]] Identity usual_folders(Identity who, const std::filesystem::path& home);

// The root user with its folders, whoever runs this process.
[[nodiscard]] Identity root_identity();

// As load() and load_text(), for a daemon that would run as `identity`.
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load(const std::filesystem::path& file,
                                                                  const Identity& identity);
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load_text(std::string_view text,
                                                                       const std::filesystem::path& name,
                                                                       const Identity& identity);

}  // namespace gracevisor::config
