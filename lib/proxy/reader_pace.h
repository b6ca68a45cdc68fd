// How fast a client takes a response while bytes wait for it, and when that is too slow. A client that takes
// nothing has stalled; one that takes a byte now and then would also hold its instance for ever. Thread: a
// value, the owner's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace gracevisor::proxy {

class ReaderPace {
 public:
  // The pace counts only once bytes have waited this long.
  static constexpr base::Duration kJudged = base::Millis(30000);
  enum class Verdict : std::uint8_t { fine, stalled, slow };

  // Once bytes begin to wait, call look() at this interval for as long as they do.
  [[nodiscard]] static base::Duration tick(base::Duration send_timeout) noexcept {
    return std::min(send_timeout, kJudged / 2);
  }
  void begin(base::TimePoint now, std::uint64_t progress) noexcept;
  void stop() noexcept { watching_ = false; }
  [[nodiscard]] bool watching() const noexcept { return watching_; }

  struct Look {
    base::TimePoint now;
    std::uint64_t progress;  // any number that changes as the client reads
    std::uint64_t taken;     // bytes that the client's side has acknowledged
    base::Duration timeout;  // without progress
    std::uint64_t min_rate;  // of `taken`, bytes per second; 0: any
  };
  [[nodiscard]] Verdict look(const Look& look) noexcept;

 private:
  struct Sample {
    base::TimePoint at{};
    std::uint64_t taken = 0;
  };
  bool watching_ = false;
  bool sampled_ = false;
  base::TimePoint since_{};
  base::TimePoint moved_{};  // when progress was last seen
  std::uint64_t progress_ = 0;
  Sample earlier_;  // the rate is measured from here: up to about twice kJudged ago
  Sample later_;
};

}  // namespace gracevisor::proxy
