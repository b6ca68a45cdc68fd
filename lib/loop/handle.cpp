#include "loop/handle.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#include <sanitizer/linux_syscall_hooks.h>
#define GV_NOTE_CLOSE(fd) __sanitizer_syscall_pre_close(fd)
// What libuv itself does to a descriptor while closing it happens after our note. None of our code relies on
// an ordering that libuv creates between threads (see handoff/).
extern "C" const char* __tsan_default_suppressions() {  // NOLINT: the name is the sanitizer's
  return "called_from_lib:libuv.so.1\n";
}
#endif
#endif
#ifndef GV_NOTE_CLOSE
#define GV_NOTE_CLOSE(fd) (void)(fd)
#endif

namespace gracevisor::loop {
namespace {

template <class H>
void close_and_free(H* handle) noexcept {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
}

}  // namespace

void note_close(int fd) noexcept {
  GV_NOTE_CLOSE(fd);
}

void HandleCloser::operator()(uv_async_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_check_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_fs_event_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_idle_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_poll_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_prepare_s* handle) const noexcept {
  close_and_free(handle);
}
void HandleCloser::operator()(uv_timer_s* handle) const noexcept {
  close_and_free(handle);
}

}  // namespace gracevisor::loop
