// A test case that cannot run here says so with skip() and returns. A run of only such cases ends with
// kSkippedCode, which ctest shows as skipped if it is the test's SKIP_RETURN_CODE. Thread: the test's.
#pragma once

#include <cstdio>
#include <string>

namespace gracevisor::test {

inline constexpr int kSkippedCode = 77;
inline unsigned skipped_cases = 0;

inline void skip(const std::string& why) {
  ++skipped_cases;
  (void)std::fprintf(stderr, "skipped: %s\n", why.c_str());
}

}  // namespace gracevisor::test
