// Whether an instance is left out for a while because it failed at the level of connections: it refused them,
// or ended them without a byte of response. What an app answers, even a 5xx, is its own business. One
// worker's view of one endpoint. Thread: the worker's.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace gracevisor::proxy {

class Ejection {
 public:
  static constexpr base::Duration kFirst = std::chrono::seconds(5);
  static constexpr base::Duration kLongest = std::chrono::seconds(60);
  static constexpr unsigned kFailures = 3;  // in a row

  void note_failure(base::TimePoint now) noexcept {
    if (++failures_ < kFailures || out(now)) return;
    failures_ = 0;
    until_ = now + next_;
    next_ = std::min(next_ * 2, kLongest);
  }
  // A response's head came from it.
  void note_success() noexcept {
    failures_ = 0;
    next_ = kFirst;
  }
  [[nodiscard]] bool out(base::TimePoint now) const noexcept { return now < until_; }

 private:
  unsigned failures_ = 0;
  base::Duration next_ = kFirst;
  base::TimePoint until_{};
};

}  // namespace gracevisor::proxy
