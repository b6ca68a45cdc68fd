// Programs of Debian's packages that a test runs; where they are not installed, the test is skipped.
#pragma once

#include <string>
#include <vector>

namespace gracevisor::test {

// Are all of them in PATH (or, with a leading "python3-", modules of the tests' Python)? If not, the test
// case must return: it counts as skipped, or as failed where GV_NO_SKIP is set, as test/run.sh does, which
// installs them.
[[nodiscard]] bool available(const std::vector<std::string>& programs);

// The path of a file below test/real.
[[nodiscard]] std::string real_file(const std::string& name);

}  // namespace gracevisor::test
