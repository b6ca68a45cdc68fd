// Time since the machine's boot, suspension included (CLOCK_BOOTTIME): the same for all processes until the
// next boot, so records can hold it. Thread: any.
#pragma once

#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX

#include <chrono>

#include "base/clock.h"

namespace gracevisor::base {

[[nodiscard]] inline Duration boot_time() {
  timespec time{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace gracevisor::base
