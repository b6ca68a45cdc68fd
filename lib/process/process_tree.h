// The processes that came from one instance: its main process, the members of its group and session, the
// descendants of all these in any session, and orphans that the kernel gave to the instances' parent (their
// subreaper) and that carry the instance's marks. Once seen in a look, a process belongs to the tree as long
// as it lives, even if its parent ends and it carries no marks. And what is in the instance's cgroup.
//
// Without one, a process that left the session, lost its parent before any look *and* carries no marks is not
// found. Nor is one whose parent was in a PID namespace that somebody else had made, unless it is in the
// instance's group: it belongs to that namespace's init. Thread: the supervisor's; no system calls except for
// reading marks and the cgroup.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "process/cgroup.h"
#include "process/process_looker.h"

namespace gracevisor::process {

class ProcessTree {
 public:
  ProcessTree() = default;
  // `leader`: session, group and main process; `started`: as in its ProcessEntry, 0 if it is not known.
  // Without marks no orphan is recognised.
  ProcessTree(pid_t leader, std::uint64_t started, std::optional<inspect::ProcessMarks> marks,
              std::optional<Cgroup> cgroup = std::nullopt)
      : leader_(leader), started_(started), marks_(std::move(marks)), cgroup_(std::move(cgroup)) {}

  // Its living members, the main process first if it is alive. Once `leader_reaped`, the leader's number
  // names what is left of its session and group, until nothing is left; later it may be another process's.
  [[nodiscard]] inspect::ProcessTable::Members members(const ProcessLook& look, bool leader_reaped);
  // Nothing is left of the group but zombies, and the instances' parent is gone: whoever has them now may
  // never reap them.
  [[nodiscard]] bool group_is_abandoned(const ProcessLook& look) const;
  // The last look found an orphan that was in the middle of an exec: it may be a member.
  [[nodiscard]] bool unsure() const { return unsure_; }
  [[nodiscard]] const std::optional<Cgroup>& cgroup() const { return cgroup_; }

 private:
  [[nodiscard]] bool number_is_ours(const inspect::ProcessTable& table, bool leader_reaped);

  pid_t leader_ = 0;
  std::uint64_t started_ = 0;
  std::optional<inspect::ProcessMarks> marks_;
  std::optional<Cgroup> cgroup_;
  bool number_void_ = false;
  bool unsure_ = false;
  std::map<pid_t, std::uint64_t> known_;  // with their start times: as the last look found them
};

// Kills a tree that may resist: each member found is stopped first, so that none forks or loses its parent
// unseen, until a look finds no new member; then all are killed. The number of looks is bounded.
class TreeHunt {
 public:
  // Stops those that are new. True when the next look should follow at once; false after the kill.
  [[nodiscard]] bool feed(const inspect::ProcessTable::Members& members);
  void kill();

 private:
  struct Target {
    pid_t pid = 0;
    std::uint64_t started = 0;
    base::UniqueFd pidfd;
  };
  [[nodiscard]] bool stop(const base::ProcessEntry& entry);

  std::vector<Target> targets_;
  int looks_ = 0;
};

// By a descriptor verified to mean this process and not a later one with its number. False when it has gone.
bool send_to(const base::ProcessEntry& entry, int signal);

}  // namespace gracevisor::process
