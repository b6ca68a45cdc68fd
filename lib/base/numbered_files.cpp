#include "base/numbered_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace gracevisor::base {
namespace {

// After `keep` was lowered, at most this many leftovers are removed at once.
constexpr unsigned kSurplus = 1000;

void remove_surplus(int folder, const std::string& name, unsigned keep) {
  for (unsigned number = keep + 1; number <= keep + kSurplus; ++number) {
    if (::unlinkat(folder, old_name(name, number).c_str(), 0) != 0) return;
  }
}

bool taken(int folder, const std::string& name) {
  return ::faccessat(folder, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

std::string old_name(const std::string& name, unsigned number) {
  return name + "." + std::to_string(number);
}

Expected<void> shift_old_files(int folder, const std::string& name, unsigned keep) {
  if (keep == 0) {
    if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    return fail_errno("cannot remove " + name, errno);
  }
  // Only the files before the first gap in the numbering have to move.
  unsigned run = 0;
  while (run + 1 < keep && taken(folder, old_name(name, run + 1))) ++run;
  for (unsigned number = run; number >= 1; --number) {
    const std::string from = old_name(name, number);
    if (::renameat(folder, from.c_str(), folder, old_name(name, number + 1).c_str()) != 0) {
      return fail_errno("cannot rename " + from, errno);
    }
  }
  if (::renameat(folder, name.c_str(), folder, old_name(name, 1).c_str()) != 0 && errno != ENOENT) {
    return fail_errno("cannot rename " + name, errno);
  }
  remove_surplus(folder, name, keep);
  return {};
}

}  // namespace gracevisor::base
