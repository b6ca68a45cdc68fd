// How fast a count grows: the difference to what it was about 10 s ago. Pure. Thread: the owner's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>

#include "base/clock.h"

namespace gracevisor::observe {

// What clients of an app have got so far.
struct Answers {
  std::uint64_t all = 0;
  std::uint64_t errors = 0;  // 5xx, and those that were cut
};
struct AnswerRates {
  double all = 0;     // per second
  double errors = 0;  // per second
};

class Rates {
 public:
  static constexpr base::Duration kWindow = std::chrono::seconds(10);

  // To be called every few seconds.
  void note(base::TimePoint at, const Answers& counts) {
    marks_.push_back({at, counts});
    while (marks_.size() > 2 && at - marks_[1].at >= kWindow) marks_.pop_front();
  }
  // Since the mark that is at least kWindow old, or the oldest one. `counts`: as they are now.
  [[nodiscard]] AnswerRates since(base::TimePoint now, const Answers& counts) const {
    if (marks_.empty()) return {};
    const Mark* from = &marks_.front();
    for (const Mark& mark : marks_) {
      if (now - mark.at >= kWindow) from = &mark;
    }
    const double seconds =
        std::max(std::chrono::duration<double>(now - from->at).count(), 1.0);  // a burst is no rate
    const auto grown = [seconds](std::uint64_t then, std::uint64_t later) {
      return static_cast<double>(later - std::min(then, later)) / seconds;
    };
    return {grown(from->counts.all, counts.all), grown(from->counts.errors, counts.errors)};
  }

 private:
  struct Mark {
    base::TimePoint at;
    Answers counts;
  };
  std::deque<Mark> marks_;  // oldest first
};

}  // namespace gracevisor::observe
