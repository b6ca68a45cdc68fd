// The cgroup (v2) of one process, made and entered before anything else, so that all that comes from the
// process is in it: Documentation/admin-guide/cgroup-v2.rst. Thread: gv-exec's only one.
#pragma once

#include "spawn/drop.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// A limit that only a cgroup can hold, and none to hold it, is an error; but in a trial, which has none.
[[nodiscard]] Step enter_cgroup(const SpawnPlan& plan);

}  // namespace gracevisor::spawn
