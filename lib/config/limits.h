// [app.NAME.limits]: what the kernel lets each process of an app have, and each instance with all its
// processes. Unset: as the daemon was started, and no limit.
// Thread: values, any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "base/strong.h"

namespace gracevisor::config {

// setrlimit(2): a process may raise its own soft limit up to the hard one.
struct OpenFiles {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const OpenFiles&) const = default;
};

// As ioprio_set(2) takes it: the class above bit 13, the level below.
using IoPriority = base::Strong<std::uint16_t, struct IoPriorityTag>;

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();  // RLIM_INFINITY

struct Limits {
  std::optional<OpenFiles> nofile;
  std::optional<unsigned> nproc;
  std::optional<std::uint64_t> core;  // bytes; kUnlimited
  std::optional<int> nice;            // -20 to 19, the less the sooner
  std::optional<IoPriority> io_class;
  std::optional<int> oom_score_adj;  // -1000 to 1000, the more the sooner
  // Of an instance; these need a cgroup.
  std::optional<std::uint64_t> memory;  // bytes
  std::optional<unsigned> tasks;        // processes and threads
  std::optional<unsigned> cpu;          // percent of one CPU
};

}  // namespace gracevisor::config
