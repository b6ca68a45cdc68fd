// Lets time pass without waiting: this program's own clock_gettime stands in front of the C library's, for
// libuv and the standard library alike, and adds the requested shift to the monotonic clocks. Linked only
// where a test needs it. Thread: the test's, while no other thread of the program runs.
#pragma once

#include "base/clock.h"

namespace gracevisor::test {

// From now on it is `by` later. Never shifted back: monotonic stays monotonic.
void shift_clock(base::Duration by);

// As long as one exists, time passes by shift_clock() alone, however slow the machine is.
class FrozenClock {
 public:
  FrozenClock();
  FrozenClock(const FrozenClock&) = delete;
  FrozenClock& operator=(const FrozenClock&) = delete;
  ~FrozenClock();
};

}  // namespace gracevisor::test
