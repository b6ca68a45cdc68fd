#include "loop/handle.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#include <sanitizer/linux_syscall_hooks.h>
#define GV_NOTE_CLOSE(fd) __sanitizer_syscall_pre_close(fd)
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
