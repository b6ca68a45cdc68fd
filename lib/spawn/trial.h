// Would a process get the limits and privileges of its plan? gv-exec is started as for a process, takes them
// on, and ends instead of entering the directory and executing the program. So what decides here is the
// kernel with all that it asks. It leaves nothing behind. Thread: any; waits for the helper for at most
// kPatience, then kills it.
#pragma once

#include <chrono>
#include <optional>

#include "spawn/failure.h"
#include "spawn/helper_process.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// Does the plan ask for anything that might be refused, besides its user?
[[nodiscard]] bool asks_for_rights(const SpawnPlan& plan);

// The step that failed; unset: none did. Its listener and directory are not looked at.
[[nodiscard]] std::optional<SpawnFailed> try_out(const Launcher& launcher, SpawnPlan plan,
                                                 std::chrono::milliseconds patience = kPatience);

}  // namespace gracevisor::spawn
