// How much a soak does: the short form by itself, the long one as its ctest entry says.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace gracevisor::test {

// The number in the environment's variable, or `usual`; never less than `least`.
[[nodiscard]] inline unsigned wanted(const char* variable, int usual, int least = 1) {
  const char* text = std::getenv(variable);
  return static_cast<unsigned>(std::max(text == nullptr ? usual : std::atoi(text), least));
}

}  // namespace gracevisor::test
