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

void note_close(int fd) noexcept {
  GV_NOTE_CLOSE(fd);
}

// Instantiated here for owners outside this folder, which do not see <uv.h> and so cannot do it themselves.
template struct HandleCloser<uv_async_t>;
template struct HandleCloser<uv_check_t>;
template struct HandleCloser<uv_idle_t>;
template struct HandleCloser<uv_poll_t>;
template struct HandleCloser<uv_prepare_t>;
template struct HandleCloser<uv_timer_t>;

}  // namespace gracevisor::loop
