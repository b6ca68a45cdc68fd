#include "loop/handle.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#include <sanitizer/linux_syscall_hooks.h>
#define GV_NOTE_CLOSE(fd) __sanitizer_syscall_pre_close(fd)
// What libuv itself does to a descriptor on the way to closing it comes behind our note. Nothing of ours
// leans on an order that libuv makes between threads (see handoff/).
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

// Instantiated here for the owners outside this folder, who see no <uv.h> and so cannot do it themselves.
template struct HandleCloser<uv_async_t>;
template struct HandleCloser<uv_check_t>;
template struct HandleCloser<uv_poll_t>;
template struct HandleCloser<uv_prepare_t>;
template struct HandleCloser<uv_signal_t>;
template struct HandleCloser<uv_timer_t>;

}  // namespace gracevisor::loop
