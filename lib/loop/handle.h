// For lib/loop's own .cpp files: libuv itself, and what closing a descriptor by its means needs besides.
// Thread: the loop's.
#pragma once

#include <uv.h>

#include "loop/loop.h"

namespace gracevisor::loop {

// libuv closes a descriptor by a direct system call that ThreadSanitizer does not see; the sanitizer would
// report another thread's next use of the number as a race. This function tells it; in other builds it does
// nothing.
void note_close(int fd) noexcept;

}  // namespace gracevisor::loop
