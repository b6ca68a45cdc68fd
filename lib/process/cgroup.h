// The cgroup (v2) of one instance, which knows every process that came from it, whatever its session, its
// parents and its environment: none leaves it but one that is allowed to write to another's. Its files:
// Documentation/admin-guide/cgroup-v2.rst. Thread: the supervisor's; each call is a few system calls on files
// in memory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gracevisor::process {

class Cgroup {
 public:
  explicit Cgroup(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] bool exists() const;
  // Does a process live in it, or in one below? False if it is not there, true if it cannot be told.
  [[nodiscard]] bool populated() const;
  // Those processes, at most 4096, in it and in at most 1024 below it, which is all that it can have
  // (cgroup.max.descendants), unless root has changed that. Some may be zombies.
  [[nodiscard]] std::vector<pid_t> members() const;
  // Without those below.
  [[nodiscard]] std::vector<pid_t> own_members() const;
  // The names of the cgroups directly in it, at most so many.
  [[nodiscard]] std::vector<std::string> below(
      std::size_t most = std::numeric_limits<std::size_t>::max()) const;
  // SIGKILL to all of them at once, so that none can fork meanwhile. False: the kernel cannot (before 5.14).
  [[nodiscard]] bool kill() const;
  // Has the kernel ever killed one of them for lack of memory?
  [[nodiscard]] bool out_of_memory() const;
  // With those below. One that is populated stays.
  void remove() const;

 private:
  std::string folder_;
};

}  // namespace gracevisor::process
