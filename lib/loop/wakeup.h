// Wakes a loop from another thread. Rings coalesce: a ring means "look again", not how often it rang.
// Threads: ring() any; everything else the loop's.
#pragma once

#include <functional>

#include "loop/loop.h"

namespace gracevisor::loop {

class Wakeup {
 public:
  // `on_ring` runs on the loop's thread. That thread destroys the Wakeup, after every ringing thread is done
  // with it.
  [[nodiscard]] static base::Expected<std::unique_ptr<Wakeup>> create(Loop& loop,
                                                                      std::function<void()> on_ring);

  // Any thread.
  void ring() noexcept;

 private:
  explicit Wakeup(std::function<void()> on_ring) : on_ring_(std::move(on_ring)) {}
  std::function<void()> on_ring_;
  HandlePtr<uv_async_s> async_;
};

}  // namespace gracevisor::loop
