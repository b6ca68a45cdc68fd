// A one-shot timer that can be started again. For request deadlines use Deadlines: one timer for thousands.
// Thread: the loop's.
#pragma once

#include <functional>

#include "loop/loop.h"

namespace gracevisor::loop {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_due);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() = default;

  // Due once, `delay` from now (rounded up to a millisecond, and never less: libuv 1.44 would run a timer of
  // zero that starts itself on and on, before any input is looked at; NextTurn is for what is due at once).
  // Replaces an earlier start.
  void start(base::Duration delay);
  void stop();
  [[nodiscard]] bool running() const;

 private:
  std::function<void()> on_due_;
  HandlePtr<uv_timer_s> timer_;
};

}  // namespace gracevisor::loop
