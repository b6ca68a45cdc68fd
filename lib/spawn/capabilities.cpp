#include "spawn/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gracevisor::spawn {
namespace {

constexpr int kMost = 64;  // bits of the kernel's sets

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Step failed(int code = errno) {
  return SpawnFailed{SpawnStage::capabilities, code};
}

// The C library has no functions for these two.
int get(Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(::syscall(SYS_capget, &header, sets.data()));
}
int set(const Sets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return static_cast<int>(::syscall(SYS_capset, &header, sets.data()));
}

bool is_exactly(const Sets& sets, std::uint64_t kept) {
  for (std::size_t half = 0; half < sets.size(); ++half) {
    const auto wanted = static_cast<std::uint32_t>(kept >> (32 * half));
    const auto& now = sets.at(half);
    if (now.effective != wanted || now.permitted != wanted || now.inheritable != wanted) return false;
  }
  return true;
}

}  // namespace

Step bound_capabilities(std::uint64_t kept) {
  for (int number = 0; number < kMost; ++number) {
    const int bound = ::prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (bound < 0 && errno == EINVAL) break;  // beyond the last one that the kernel knows
    if (bound < 0) return failed();
    if (bound == 0 || has_capability(kept, number)) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return failed();
  }
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ? failed() : std::nullopt;
}

Step raise_capabilities(std::uint64_t kept) {
  Sets sets{};
  for (std::size_t half = 0; half < sets.size(); ++half) {
    const auto wanted = static_cast<std::uint32_t>(kept >> (32 * half));
    sets.at(half) = {wanted, wanted, wanted};
  }
  if (set(sets) != 0) return failed();
  for (int number = 0; number < kMost; ++number) {
    if (!has_capability(kept, number)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return failed();
  }
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return failed();
  Sets now{};
  if (get(now) != 0) return failed();
  return is_exactly(now, kept) ? std::nullopt : failed(EPERM);
}

}  // namespace gracevisor::spawn
