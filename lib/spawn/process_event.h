// What happens to one process, in this order: Running at most once, Ended once, Left each time the set of
// leftover processes changes, Gone once; Unkillable at any time before Gone, even before Ended. Thread:
// values.
#pragma once

#include <variant>
#include <vector>

#include "base/process_entry.h"
#include "spawn/exit_status.h"

namespace gracevisor::spawn {

// The program runs (execve succeeded).
struct Running {};
// It ended or never began; all its output was delivered, except what leftover processes still write.
struct Ended {
  ExitStatus status;
};
// It ended, and these of its processes remain, as stop.leftover says. They may hold its port until Gone.
struct Left {
  std::vector<base::NamedProcess> processes;
};
// Nothing of it is left; nothing can hold its port any more.
struct Gone {};
// It outlived SIGKILL by 10 s (uninterruptible sleep, or a zombie whose parent left the group); still
// watched.
struct Unkillable {};

using ProcessEvent = std::variant<Running, Ended, Left, Gone, Unkillable>;

}  // namespace gracevisor::spawn
