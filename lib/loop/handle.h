// For lib/loop's own .cpp files: what HandlePtr does when its owner releases it. Thread: the loop's.
#pragma once

#include <uv.h>

#include "loop/loop.h"

namespace gracevisor::loop {

// libuv closes a descriptor by a direct system call that ThreadSanitizer does not see; the sanitizer would
// report another thread's next use of the number as a race. This function tells it; in other builds it does
// nothing.
void note_close(int fd) noexcept;

template <class H>
void HandleCloser<H>::operator()(H* handle) const noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
}

}  // namespace gracevisor::loop
