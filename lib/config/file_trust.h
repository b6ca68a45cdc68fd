// Who may own and write what a daemon is configured by: a user who can write the configuration of a root
// daemon can become root. Internal to config/. Thread: any that may block on the user database.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "config/daemon_user.h"
#include "config/findings.h"

namespace gracevisor::config {

class FileTrust {
 public:
  FileTrust(const DaemonUser& user, Findings& findings) : user_(&user), findings_(&findings) {}

  // Is the file, or folder, `status` one of the configuration's? If not, that is an error. The first that is
  // becomes the main file, whose owner is trusted with all of it.
  [[nodiscard]] bool allows(const std::filesystem::path& path, const struct stat& status);

 private:
  [[nodiscard]] bool mode_allows(const std::filesystem::path& path, const struct stat& status);
  [[nodiscard]] bool owner_allows(const std::filesystem::path& path, const struct stat& status);

  const DaemonUser* user_;
  Findings* findings_;
  std::optional<uid_t> main_owner_;
};

}  // namespace gracevisor::config
