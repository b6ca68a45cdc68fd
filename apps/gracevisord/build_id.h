// Which build of gracevisord this is: what a debugger asks for, given a core. Thread: any.
#pragma once

#include <string>

namespace gracevisor::daemon {

// The note that the linker leaves in the program, in hexadecimal digits; "unknown": there is none.
[[nodiscard]] std::string build_id();

}  // namespace gracevisor::daemon
