#include "loop/fd_watch.h"

#include <cassert>

#include "loop/handle.h"

namespace gracevisor::loop {

base::Expected<std::unique_ptr<FdWatch>> FdWatch::create(Loop& loop, int fd, Interest interest,
                                                         std::function<void()> on_ready) {
  std::unique_ptr<FdWatch> watch(new FdWatch(interest, std::move(on_ready)));
  auto poll = std::make_unique<uv_poll_t>();
  if (int r = uv_poll_init(loop.raw(), poll.get(), fd); r != 0) {
    return std::unexpected(uv_error("cannot watch a descriptor", r));
  }
  watch->poll_.reset(poll.release());
  watch->poll_->data = watch.get();
  if (auto started = watch->resume(); !started) return std::unexpected(started.error());
  return watch;
}

void FdWatch::pause() {
  int r = uv_poll_stop(poll_.get());
  assert(r == 0);  // never fails
  (void)r;
}

void FdWatch::leave_loop_free() {
  uv_unref(reinterpret_cast<uv_handle_t*>(poll_.get()));
}

base::Expected<void> FdWatch::resume() {
  int events = interest_ == Interest::readable ? UV_READABLE | UV_DISCONNECT : UV_WRITABLE;
  int r = uv_poll_start(poll_.get(), events, [](uv_poll_t* handle, int /*status*/, int /*events*/) {
    if (handle->data == nullptr) return;
    // An error counts as ready: the owner's read or waitid finds out what it is. A copy, since the owner may
    // destroy the watch in its callback.
    auto on_ready = static_cast<FdWatch*>(handle->data)->on_ready_;
    on_ready();
  });
  if (r != 0) return std::unexpected(uv_error("cannot watch a descriptor", r));
  return {};
}

}  // namespace gracevisor::loop
