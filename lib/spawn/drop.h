// From root to another user, for good. Thread: gv-exec's only one.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>

#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// Unset means done; otherwise the step and its errno.
using Step = std::optional<SpawnFailed>;
[[nodiscard]] inline Step failed(SpawnStage stage, int code = errno) {
  return SpawnFailed{stage, code};
}

// Sets the groups, the gid and the uid, reads gid and uid back, and checks that there is no way back to root.
// `capabilities`: a bit for each that is kept, by the programs that it executes as well, and that none of
// them can get beyond; 0: none is kept, and what a program of root's can get is left as it is. Requires: this
// process is root.
[[nodiscard]] Step drop_to(const Credentials& who, std::uint64_t capabilities = 0);

}  // namespace gracevisor::spawn
