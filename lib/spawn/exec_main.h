// What gv-exec does: reads the plan from descriptor 3, sets the process up, executes the program.
// Single-threaded and freshly executed, so every call is allowed. It is started for every process of every
// app, so its start-up cost is paid again and again, alongside the request path.
#pragma once

namespace gracevisor::spawn {

// Does not return on success; otherwise the daemon has been told what failed, and the result is the exit
// status.
[[nodiscard]] int exec_main();

}  // namespace gracevisor::spawn
