// For lib/loop's own .cpp files: what HandlePtr does when its owner releases it.
#pragma once

#include <uv.h>

#include "loop/loop.h"

namespace gracevisor::loop {

// libuv closes by a direct system call that ThreadSanitizer does not see; it would report another thread's
// next use of the number as a race. This tells it; in other builds it does nothing.
void note_close(int fd) noexcept;

template <class H>
void HandleCloser<H>::operator()(H* handle) const noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
}

}  // namespace gracevisor::loop
