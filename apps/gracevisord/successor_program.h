// The program that an upgrade starts. Thread: the supervisor's; calls block on the disk.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <filesystem>

#include "base/unique_fd.h"
#include "decide/app.h"

namespace gracevisor::daemon {

struct SuccessorProgram {
  std::filesystem::path path;
  base::UniqueFd file;  // what is executed, whatever becomes of the path
  dev_t device = 0;
  ino_t inode = 0;

  // Is it still what the path leads to?
  [[nodiscard]] bool in_place() const;
};

// `to`, whose file and folders must be such that nobody but root and the daemon's user can change them;
// empty: the program at the path of this one, which an installation may have replaced.
[[nodiscard]] std::expected<SuccessorProgram, decide::Refused> find_successor(
    const std::filesystem::path& to);

}  // namespace gracevisor::daemon
