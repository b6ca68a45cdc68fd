// gv-exec's half of a deed on a file with an app's rights (file_request.h). It becomes that user for good
// before it looks at the path, so that there is nothing to judge: whatever the path leads to, it is what this
// user may do anyway. Single-threaded.
#pragma once

namespace gracevisor::spawn {

// Is what the daemon sent such a request, and no plan?
[[nodiscard]] bool holds_file_request(int fd);
// Does it, answers, and ends the process.
[[noreturn]] void serve_file_request();

}  // namespace gracevisor::spawn
