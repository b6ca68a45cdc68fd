// gv-exec's half of a file operation with an app's rights (file_request.h). It becomes that user for good
// before it looks at the path, so there is nothing to judge: wherever the path leads, the user could do the
// same anyway. Single-threaded.
#pragma once

namespace gracevisor::spawn {

// Did the daemon send such a request, rather than a plan?
[[nodiscard]] bool holds_file_request(int fd);
// Performs it, answers, and ends the process.
[[noreturn]] void serve_file_request();

}  // namespace gracevisor::spawn
