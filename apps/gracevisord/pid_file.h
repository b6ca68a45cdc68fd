// The file of --pid-file: the keeper's pid, which is the one that signals go to and that stays the same as
// long as anything runs. Thread: the supervisor's; calls block on the disk.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/error.h"
#include "base/safe_path.h"

namespace gracevisor::daemon {

class PidFile {
 public:
  // Writes it, in place of an older one. An error also if another user could put something else there.
  [[nodiscard]] static base::Expected<PidFile> write(const std::filesystem::path& path, pid_t keeper,
                                                     const base::PathRules& rules);
  // Everything has ended: removes it, unless it names another process by now.
  void remove() const;

 private:
  PidFile(std::filesystem::path path, pid_t keeper) : path_(std::move(path)), keeper_(keeper) {}

  std::filesystem::path path_;
  pid_t keeper_;
};

}  // namespace gracevisor::daemon
