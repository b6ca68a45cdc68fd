// Waiting for a condition in tests: never a sleep of a guessed length, always a condition and a deadline.
// Thread: any.
#pragma once

#include <chrono>
#include <functional>

namespace gracevisor::test {

// Checks `condition` every few milliseconds until it holds (true) or `patience` is over (false).
[[nodiscard]] bool wait_until(const std::function<bool()>& condition,
                              std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace gracevisor::test
