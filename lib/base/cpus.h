// How many CPUs this process may use. Thread: any.
#pragma once

#include <cstddef>

namespace gracevisor::base {

// At least 1; as sched_getaffinity(2) has it for the calling thread.
[[nodiscard]] std::size_t cpus();

}  // namespace gracevisor::base
