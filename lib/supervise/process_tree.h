// SIGKILL to everything that came from one instance, also to what left its process group: members of its
// session, its descendants whatever their session, and orphans that the kernel gave to the daemon (when that
// is their subreaper) and that carry the instance's marks in their environment.
//
// Each process found is stopped first, so that nobody forks or loses its parent unseen, until two looks at
// /proc find nobody new; then all are killed. A process that left the session *and* lost its parent before
// the look, while the daemon is no subreaper, is not found: only a cgroup would know it. Bounded in looks and
// time. Thread: the supervisor's; needs no cooperation of the processes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace gracevisor::supervise {

struct ProcessTree {
  pid_t leader = 0;           // session, group and main process
  bool leader_known = false;  // not reaped yet; otherwise its number only names what is left of the session
  std::vector<std::string> marks;  // "GV_APP=web", "GV_INSTANCE=42.1": all must be there
};

void kill_process_tree(const ProcessTree& tree);

}  // namespace gracevisor::supervise
