#include "spawn/limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace gracevisor::spawn {
namespace {

Step set_oom_score_adj(std::int32_t score) {
  const base::UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file) return failed(SpawnStage::oom_score_adj);
  const std::string text = std::to_string(score);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return failed(SpawnStage::oom_score_adj);
  return written == static_cast<ssize_t>(text.size()) ? std::nullopt : failed(SpawnStage::oom_score_adj, EIO);
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
