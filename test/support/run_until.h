// Turns a loop until a condition holds, instead of sleeping. Thread: the loop's.
#pragma once

#include <chrono>

#include "loop/loop.h"
#include "loop/timer.h"

namespace gracevisor::test {

// False when `condition` is still false after `limit`. A condition may depend on another thread or process:
// it is looked at every few milliseconds even when the loop has nothing to do.
template <class Condition>
bool run_until(loop::Loop& loop, Condition condition,
               std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  auto end = std::chrono::steady_clock::now() + limit;
  loop::Timer again(loop, [] {});
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    again.start(std::chrono::milliseconds(5));
    loop.run_once(true);
  }
  return true;
}

}  // namespace gracevisor::test
