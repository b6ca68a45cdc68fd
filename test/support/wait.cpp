#include "support/wait.h"

#include <poll.h>

namespace gracevisor::test {

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  constexpr int kPauseMillis = 5;
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    (void)::poll(nullptr, 0, kPauseMillis);
  }
  return true;
}

}  // namespace gracevisor::test
