#include "spawn/limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "base/kernel_file.h"

namespace gracevisor::spawn {
namespace {

Step set_oom_score_adj(std::int32_t score) {
  const int error = base::write_kernel_file(AT_FDCWD, "/proc/self/oom_score_adj", std::to_string(score));
  return error != 0 ? failed(SpawnStage::oom_score_adj, error) : std::nullopt;
}

// The C library has no function for it.
Step set_io_priority(std::uint16_t priority) {
  constexpr int kProcess = 1;  // IOPRIO_WHO_PROCESS
  return ::syscall(SYS_ioprio_set, kProcess, 0, static_cast<int>(priority)) != 0
             ? failed(SpawnStage::io_class)
             : std::nullopt;
}

Step set(int resource, const std::optional<ResourceLimit>& limit, SpawnStage stage) {
  if (!limit) return std::nullopt;
  const rlimit wanted{limit->soft, limit->hard};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted) != 0 ? failed(stage) : std::nullopt;
}

// The daemon raised its own soft limit; programs that use select() or iterate over all descriptors break with
// such a value.
Step restore_open_files(const SpawnPlan& plan) {
  if (!plan.open_files || plan.limits.open_files) return std::nullopt;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return failed(SpawnStage::rlimits);
  limit.rlim_cur = std::min<rlim_t>(*plan.open_files, limit.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &limit) != 0 ? failed(SpawnStage::rlimits) : std::nullopt;
}

}  // namespace

Step set_limits(const SpawnPlan& plan) {
  const Limits& limits = plan.limits;
  if (limits.oom_score_adj) {
    if (auto step = set_oom_score_adj(*limits.oom_score_adj)) return step;
  }
  if (limits.nice && ::setpriority(PRIO_PROCESS, 0, *limits.nice) != 0) return failed(SpawnStage::nice);
  if (limits.io_priority) {
    if (auto step = set_io_priority(*limits.io_priority)) return step;
  }
  if (auto step = restore_open_files(plan)) return step;
  if (auto step = set(RLIMIT_NOFILE, limits.open_files, SpawnStage::nofile)) return step;
  if (auto step = set(RLIMIT_NPROC, limits.processes, SpawnStage::nproc)) return step;
  return set(RLIMIT_CORE, limits.core, SpawnStage::core);
}

}  // namespace gracevisor::spawn
