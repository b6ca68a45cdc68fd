// From root to another user, for good. Thread: gv-exec's only one.
#pragma once

#include <optional>

#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// Unset means done; otherwise the step and its errno.
using Step = std::optional<SpawnFailed>;

// Groups, gid, uid, each read back, and no way back afterwards. This process is root.
[[nodiscard]] Step drop_to(const Credentials& who);

}  // namespace gracevisor::spawn
