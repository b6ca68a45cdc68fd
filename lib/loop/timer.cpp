#include "loop/timer.h"

#include <algorithm>
#include <cassert>

#include "loop/handle.h"

namespace gracevisor::loop {

Timer::Timer(Loop& loop, std::function<void()> on_due) : on_due_(std::move(on_due)) {
  auto timer = std::make_unique<uv_timer_t>();
  int r = uv_timer_init(loop.raw(), timer.get());
  assert(r == 0);  // uv_timer_init cannot fail
  (void)r;
  timer_.reset(timer.release());
  timer_->data = this;
}

void Timer::start(base::Duration delay) {
  auto whole = std::max(std::chrono::ceil<base::Millis>(delay), base::Millis(1));
  // The cached clock may lag behind in a long turn; a start is relative to the real current time.
  uv_update_time(timer_->loop);
  int r = uv_timer_start(
      timer_.get(),
      [](uv_timer_t* handle) {
        if (handle->data == nullptr) return;
        // A copy: the owner may destroy the timer in its callback.
        auto on_due = static_cast<Timer*>(handle->data)->on_due_;
        on_due();
      },
      static_cast<std::uint64_t>(whole.count()), 0);
  assert(r == 0);  // fails only on a closing handle
  (void)r;
}

void Timer::stop() {
  int r = uv_timer_stop(timer_.get());
  assert(r == 0);  // never fails
  (void)r;
}

bool Timer::running() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(timer_.get())) != 0;
}

}  // namespace gracevisor::loop
