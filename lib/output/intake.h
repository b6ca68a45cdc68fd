// Whether a writing thread may be given more lines: back-pressure first, loss only when nothing moves.
//
//   open --8 MiB on their way--> full --half of it written--> open
//   full --nothing written for 2 s--> stalled --anything written--> full or open
//
// While it is full, the apps' pipes are left unread, so that a merely slow writer holds the apps back. While
// it is stalled, new lines are dropped. Pure. Thread: the supervisor's.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace gracevisor::output {

class Intake {
 public:
  enum class State : std::uint8_t { open, full, stalled };

  static constexpr std::uint64_t kFull = 8ULL << 20;  // bytes
  static constexpr std::uint64_t kRoom = kFull / 2;   // full until no more than this is left
  static constexpr base::Duration kStalled = std::chrono::seconds(2);

  // `queued` bytes wait; `written`, which only grows, have been dealt with.
  State look(std::uint64_t queued, std::uint64_t written, base::TimePoint now) noexcept {
    if (written != written_ || queued == 0) {
      written_ = written;
      moved_at_ = now;
    }
    bool full = state_ == State::open ? queued >= kFull : queued > kRoom;
    bool stalled = now - moved_at_ >= kStalled;
    state_ = !full ? State::open : stalled ? State::stalled : State::full;
    return state_;
  }
  [[nodiscard]] State state() const noexcept { return state_; }

 private:
  State state_ = State::open;
  std::uint64_t written_ = 0;
  base::TimePoint moved_at_{};
};

}  // namespace gracevisor::output
