// Instants that mean the same to every process of one boot of the machine: CLOCK_BOOTTIME, which goes on
// while it is suspended. After a reboot they mean nothing, so a record that holds them names its boot as
// well. Thread: any.
#pragma once

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX

#include <chrono>

#include "base/clock.h"

namespace gracevisor::base {

struct BootClock {};
using BootTime = std::chrono::time_point<BootClock, Duration>;

// Now. It fails for an unknown clock alone, and every supported kernel has this one: 0, long ago, then.
[[nodiscard]] inline BootTime boot_time() {
  timespec time{};
  if (::clock_gettime(CLOCK_BOOTTIME, &time) != 0) return {};
  return BootTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace gracevisor::base
