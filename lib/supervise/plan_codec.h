// A SpawnPlan as bytes, for the way from the daemon to the spawn helper: a sealed memfd, so that nothing is
// visible on a command line and no size limit of a pipe applies. Both sides are the same binary
// (/proc/self/exe), so the format has a version only to notice a mistake. Strings are any bytes without NUL.
// A listener travels beside it: decoded, the plan names the place where the helper finds it. Thread: values;
// the daemon's supervisor thread and the helper.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "supervise/spec.h"

namespace gracevisor::supervise {

[[nodiscard]] std::string encode_plan(const SpawnPlan& plan);
[[nodiscard]] base::Expected<SpawnPlan> decode_plan(std::string_view bytes);

// A memfd that holds the plan and can no longer be changed.
[[nodiscard]] base::Expected<base::UniqueFd> seal_plan(const SpawnPlan& plan);
// Reads it back from the start, whatever the descriptor's offset; refuses what is not sealed.
[[nodiscard]] base::Expected<SpawnPlan> read_sealed_plan(int fd);

}  // namespace gracevisor::supervise
