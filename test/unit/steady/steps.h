// What a worker asks for while a step is taken again and again. Thread: the test's.
#pragma once

#include <cstddef>

#include "support/counting.h"

namespace gracevisor::test {

// As many as the worker's buffers need to grow, and then so many that count.
inline constexpr std::size_t kWarmUp = 50;
inline constexpr std::size_t kCounted = 200;
// What the worker still does for a step when the next one begins, as closing a connection, counts there.
inline constexpr std::size_t kSlack = kCounted / 10;

struct Asked {
  std::size_t allocations = 0;
  SystemCalls calls;
};

template <class Step>
[[nodiscard]] Asked asked_by(const Step& step, std::size_t counted = kCounted) {
  for (std::size_t i = 0; i < kWarmUp && i < counted; ++i) step();
  std::size_t allocated = allocations();
  SystemCalls calls = system_calls();
  for (std::size_t i = 0; i < counted; ++i) step();
  return {allocations() - allocated, system_calls().since(calls)};
}

template <class Step>
[[nodiscard]] std::size_t allocated_by(const Step& step) {
  return asked_by(step).allocations;
}

}  // namespace gracevisor::test
