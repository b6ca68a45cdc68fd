#include "output/rotation.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace gracevisor::output {
namespace {

// After `keep` was lowered, so many leftovers at most are removed per rotation.
constexpr unsigned kSurplus = 1000;

void remove_surplus(const std::filesystem::path& path, unsigned keep) {
  for (unsigned number = keep + 1; number <= keep + kSurplus; ++number) {
    if (::unlink(old_file(path, number).c_str()) != 0) return;
  }
}

bool taken(const std::filesystem::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

std::filesystem::path old_file(const std::filesystem::path& path, unsigned number) {
  std::filesystem::path old = path;
  old += "." + std::to_string(number);
  return old;
}

base::Expected<void> rotate(const std::filesystem::path& path, unsigned keep) {
  if (keep == 0) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return base::fail_errno("cannot remove " + path.string(), errno);
  }
  // Only the run of numbers without a gap has to move.
  unsigned run = 0;
  while (run + 1 < keep && taken(old_file(path, run + 1))) ++run;
  for (unsigned number = run; number >= 1; --number) {
    if (std::rename(old_file(path, number).c_str(), old_file(path, number + 1).c_str()) != 0) {
      return base::fail_errno("cannot rename " + old_file(path, number).string(), errno);
    }
  }
  if (std::rename(path.c_str(), old_file(path, 1).c_str()) != 0 && errno != ENOENT) {
    return base::fail_errno("cannot rename " + path.string(), errno);
  }
  remove_surplus(path, keep);
  return {};
}

}  // namespace gracevisor::output
