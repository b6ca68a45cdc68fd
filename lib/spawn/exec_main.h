// What gv-exec does: reads the plan from descriptor 3, sets the process up, executes the program.
// Single-threaded and just executed, so every call is allowed. It is started for every process of every app:
// what it costs to start is paid again and again, beside the request path.
#pragma once

namespace gracevisor::spawn {

// Never returns on success; otherwise the daemon was told what failed, and this is the exit status.
[[nodiscard]] int exec_main();

}  // namespace gracevisor::spawn
