// Capabilities (capabilities(7)) that a process keeps when it becomes another user, for itself and for what
// it executes: the two halves before and after the change of the uid. Thread: gv-exec's only one.
#pragma once

#include <cstdint>

#include "spawn/drop.h"

namespace gracevisor::spawn {

// Takes all others out of the bounding set, and has the next change of the uid leave the permitted ones.
[[nodiscard]] Step bound_capabilities(std::uint64_t kept);
// Makes them the permitted, effective, inheritable and ambient ones, and checks that there are no others.
[[nodiscard]] Step raise_capabilities(std::uint64_t kept);

}  // namespace gracevisor::spawn
