// A clock that the test moves. Thread: the test's.
#pragma once

#include "base/clock.h"

namespace gracevisor::test {

class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::TimePoint now() const override { return now_; }
  void advance(base::Duration by) { now_ += by; }

 private:
  base::TimePoint now_{std::chrono::hours(1)};
};

}  // namespace gracevisor::test
