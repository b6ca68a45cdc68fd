// What a plan limits (setrlimit(2), setpriority(2), ioprio_set(2), oom_score_adj), for this process and what
// comes from it. Before the change of the user, as most of it takes rights to raise. Thread: gv-exec's only
// one.
#pragma once

#include "spawn/drop.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// In the order in which they stand in supervision.md, section 10.
[[nodiscard]] Step set_limits(const SpawnPlan& plan);

}  // namespace gracevisor::spawn
