// The cgroups that a daemon's instances have, where this machine lets it make any. Thread: the test's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "control/messages.h"
#include "support/skip.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

// The folder of a daemon's, as its status says; unset, and the case is skipped, if there is none.
inline std::optional<std::filesystem::path> cgroups_of(const std::optional<control::StatusReport>& status) {
  if (status && !status->cgroups.empty()) return status->cgroups;
  skip(status ? status->no_cgroups : std::string("the daemon does not answer"));
  return std::nullopt;
}

// What keepers that were killed have left of those of this state folder: nothing lives there any more.
inline void remove_cgroups(const std::filesystem::path& state_dir) {
  constexpr std::size_t kShown = 8;  // of the folder's name, see process/cgroup_home.h
  const std::string prefix = "gracevisor-" + content_of(state_dir / "id").substr(0, kShown) + "-";
  if (prefix.size() != 12 + kShown) return;
  std::error_code failed;
  for (const std::filesystem::path mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    if (!std::filesystem::exists(mount / "cgroup.controllers", failed)) continue;  // another version's
    using Walk = std::filesystem::recursive_directory_iterator;
    std::vector<std::filesystem::path> homes;
    for (Walk it(mount, failed), end; !failed && it != end; it.increment(failed)) {
      if (it->path().filename().string().starts_with(prefix)) homes.push_back(it->path());
    }
    for (const auto& home : homes) {
      for (std::filesystem::directory_iterator it(home, failed), end; !failed && it != end;
           it.increment(failed)) {
        std::error_code busy;
        if (it->is_directory(busy)) (void)std::filesystem::remove(it->path(), busy);
      }
      std::error_code busy;
      (void)std::filesystem::remove(home, busy);
    }
  }
}

}  // namespace gracevisor::test
