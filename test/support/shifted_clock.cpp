#include "support/shifted_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace gracevisor::test {
namespace {

constexpr long kNanosPerSecond = 1'000'000'000;

// A global, because clock_gettime has no place for an argument.
timespec shift{};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void add(timespec& to, const timespec& what) {
  to.tv_sec += what.tv_sec;
  to.tv_nsec += what.tv_nsec;
  if (to.tv_nsec < kNanosPerSecond) return;
  to.tv_nsec -= kNanosPerSecond;
  ++to.tv_sec;
}

}  // namespace

void shift_clock(base::Duration by) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(by);
  add(shift, {seconds.count(), (by - seconds).count()});
}

}  // namespace gracevisor::test

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  bool monotonic = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
  if (result == 0 && monotonic) gracevisor::test::add(*time, gracevisor::test::shift);
  return result;
}
