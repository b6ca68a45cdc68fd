// For lib/loop's own .cpp files: what HandlePtr does when its owner lets go.
#pragma once

#include <uv.h>

#include "loop/loop.h"

namespace gracevisor::loop {

// libuv closes by system call, unseen by ThreadSanitizer, which would take the next use of the number, by
// another thread, for a race. Tells it; nothing elsewhere.
void note_close(int fd) noexcept;

template <class H>
void HandleCloser<H>::operator()(H* handle) const noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
}

}  // namespace gracevisor::loop
