#include "support/shifted_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <stdexcept>

namespace gracevisor::test {
namespace {

constexpr long kNanosPerSecond = 1'000'000'000;

// A global, because clock_gettime has no place for an argument.
timespec shift{};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
// What the system's monotonic clock said then.
std::optional<timespec> frozen;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

int ask_system(clockid_t clock, timespec* time) noexcept {
  return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
}

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

FrozenClock::FrozenClock() {
  timespec now{};
  if (ask_system(CLOCK_MONOTONIC, &now) != 0) throw std::runtime_error("no monotonic clock");
  frozen = now;
}

// What has passed meanwhile passes at once.
FrozenClock::~FrozenClock() {
  frozen.reset();
}

}  // namespace gracevisor::test

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using namespace gracevisor::test;
  const int result = ask_system(clock, time);
  const bool monotonic = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
  if (result != 0 || !monotonic) return result;
  if (frozen) *time = *frozen;
  add(*time, shift);
  return result;
}
