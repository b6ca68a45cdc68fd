// How a process is to end. Thread: any; values.
#pragma once

namespace gracevisor::process {

// Who gets a signal.
enum class Whom { main, group };
// What becomes of the processes that outlive the main process.
enum class Leftovers { kill, leave };

struct EndRules {
  Whom whom = Whom::group;  // also who gets SIGKILL if leftovers stay
  Leftovers leftovers = Leftovers::kill;
};

}  // namespace gracevisor::process
