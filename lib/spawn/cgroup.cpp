#include "spawn/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/kernel_file.h"
#include "base/unique_fd.h"

namespace gracevisor::spawn {
namespace {

Step write_to(const base::UniqueFd& folder, const char* file, std::string_view text, SpawnStage stage) {
  const int error = base::write_kernel_file(folder.get(), file, text);
  return error != 0 ? failed(stage, error) : std::nullopt;
}

// "QUOTA PERIOD" in microseconds. The period is the kernel's usual one.
std::string cpu_text(std::uint32_t percent) {
  constexpr std::uint64_t kPeriod = 100'000;
  return std::to_string(percent * kPeriod / 100) + " " + std::to_string(kPeriod);
}

// What it divides itself into is looked at by the daemon, at each end.
constexpr std::string_view kMostBelow = "1000";

Step limit(const base::UniqueFd& folder, const Limits& limits) {
  if (auto step = write_to(folder, "cgroup.max.descendants", kMostBelow, SpawnStage::cgroup)) return step;
  if (limits.memory) {
    if (auto step = write_to(folder, "memory.max", std::to_string(*limits.memory), SpawnStage::memory))
      return step;
    // Otherwise it would be swapped out first. Without swap the kernel may have no such file.
    if (::faccessat(folder.get(), "memory.swap.max", F_OK, 0) == 0) {
      if (auto step = write_to(folder, "memory.swap.max", "0", SpawnStage::memory)) return step;
    }
    // Half an instance is worth nothing: all of it is ended, and started again.
    if (auto step = write_to(folder, "memory.oom.group", "1", SpawnStage::memory)) return step;
  }
  if (limits.tasks) {
    if (auto step = write_to(folder, "pids.max", std::to_string(*limits.tasks), SpawnStage::tasks))
      return step;
  }
  return limits.cpu ? write_to(folder, "cpu.max", cpu_text(*limits.cpu), SpawnStage::cpu) : std::nullopt;
}

Step without_one(const Limits& limits) {
  if (limits.memory) return failed(SpawnStage::memory, EOPNOTSUPP);
  if (limits.tasks) return failed(SpawnStage::tasks, EOPNOTSUPP);
  return limits.cpu ? failed(SpawnStage::cpu, EOPNOTSUPP) : std::nullopt;
}

}  // namespace

Step enter_cgroup(const SpawnPlan& plan) {
  if (plan.trial) return std::nullopt;
  if (plan.cgroup.empty()) return without_one(plan.limits);
  constexpr mode_t kFolder = 0755;
  if (::mkdir(plan.cgroup.c_str(), kFolder) != 0 && errno != EEXIST) return failed(SpawnStage::cgroup);
  const base::UniqueFd folder(::open(plan.cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return failed(SpawnStage::cgroup);
  if (auto step = limit(folder, plan.limits)) return step;
  return write_to(folder, "cgroup.procs", "0", SpawnStage::cgroup);  // this process
}

}  // namespace gracevisor::spawn
