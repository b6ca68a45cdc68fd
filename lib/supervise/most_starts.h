// daemon.max_starts as a number. Thread: any.
#pragma once

#include <cstddef>
#include <optional>

namespace gracevisor::supervise {

// Unset, which is "auto": two for each CPU.
[[nodiscard]] std::size_t most_starts(std::optional<unsigned> configured);

}  // namespace gracevisor::supervise
