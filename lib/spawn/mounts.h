// A view of the file systems of a process's own: what is mounted there is seen by it and what comes from it,
// and gone with the last of these. Mounts that the machine makes later still appear in it. Thread: gv-exec's
// only one.
#pragma once

#include "spawn/drop.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// What plan.read_only and plan.private_tmp ask for; nothing without them. Requires: the plan's user has not
// been taken on yet.
[[nodiscard]] Step set_mounts(const SpawnPlan& plan);

}  // namespace gracevisor::spawn
