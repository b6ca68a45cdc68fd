// From root to another user, for good. Thread: gv-exec's only one.
#pragma once

#include <optional>

#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// Unset means done; otherwise the step and its errno.
using Step = std::optional<SpawnFailed>;

// Sets the groups, the gid and the uid, reads gid and uid back, and checks that there is no way back to root.
// Requires: this process is root.
[[nodiscard]] Step drop_to(const Credentials& who);

}  // namespace gracevisor::spawn
