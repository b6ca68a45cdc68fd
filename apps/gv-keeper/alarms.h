// The keeper's clock and what it waits for. Thread: the keeper's only one.
#pragma once

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX

#include <chrono>
#include <cstddef>

namespace gracevisor::keeper {

using Millis = std::chrono::milliseconds;

inline Millis now() {
  timespec time{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::duration_cast<Millis>(std::chrono::seconds(time.tv_sec) +
                                            std::chrono::nanoseconds(time.tv_nsec));
}

enum class Alarm : std::size_t {
  restart,      // the next start of a daemon
  take_over,    // a daemon that was started to stop everything has not begun
  silence,      // the owner has said nothing for too long
  kill_owner,   // it was asked to end, or aborted
  successor,    // it has not said `serving`
  predecessor,  // it was told to end
  ending,       // the children were told to end
  systemd,      // the next sign of life to the service manager
  retry,        // a record could not be sent, and no poll tells when it can
};
inline constexpr std::size_t kAlarms = 9;

class Alarms {
 public:
  void set(Alarm alarm, Millis in) { at_[index(alarm)] = now() + in; }
  void clear(Alarm alarm) { at_[index(alarm)] = Millis(0); }
  // Whether it is due; it is cleared then.
  [[nodiscard]] bool take(Alarm alarm, Millis time) {
    const Millis at = at_[index(alarm)];
    if (at == Millis(0) || at > time) return false;
    clear(alarm);
    return true;
  }
  // For poll(): milliseconds until the first one; -1: none.
  [[nodiscard]] int timeout(Millis time) const {
    Millis first(0);
    for (const Millis at : at_) {
      if (at != Millis(0) && (first == Millis(0) || at < first)) first = at;
    }
    if (first == Millis(0)) return -1;
    const auto left = (first - time).count();
    return left <= 0 ? 0 : static_cast<int>(left < 1'000'000'000 ? left : 1'000'000'000);
  }

 private:
  static std::size_t index(Alarm alarm) { return static_cast<std::size_t>(alarm); }
  Millis at_[kAlarms] = {};  // 0: not set
};

}  // namespace gracevisor::keeper
