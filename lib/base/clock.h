// Time: monotonic instants from an injected clock, so that tests run a 30 s drain instantly.
#pragma once

#include <chrono>

namespace gracevisor::base {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

// Thread: the owner's; implementations hold no shared state.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace gracevisor::base
