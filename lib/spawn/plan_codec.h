// A SpawnPlan as bytes, to be passed from the daemon to the spawn helper in a sealed memfd, so that nothing
// is visible on a command line and no pipe size limit applies. The two programs have the same version and
// are installed together, and the helper's file is opened when the daemon starts; the version in the format
// catches a mismatch. Strings may hold any bytes except NUL. A listener is passed separately: once decoded,
// the plan names the descriptor where the helper finds it. Thread: any, in the daemon and in the helper.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

// Of a plan, and of a request for a file (file_request.h), which takes its place.
inline constexpr const char* kPlanName = "spawn plan";
inline constexpr std::size_t kMostPlan = std::size_t{16} << 20;  // far above what execve takes

[[nodiscard]] std::string encode_plan(const SpawnPlan& plan);
// Code EPROTONOSUPPORT: another version; EBADMSG: truncated, or followed by something.
[[nodiscard]] base::Expected<SpawnPlan> decode_plan(std::string_view bytes);

// A memfd that holds the plan and can no longer be modified.
[[nodiscard]] base::Expected<base::UniqueFd> seal_plan(const SpawnPlan& plan);
// Reads it back from the start, regardless of the descriptor's offset; refuses an unsealed file.
[[nodiscard]] base::Expected<SpawnPlan> read_sealed_plan(int fd);

}  // namespace gracevisor::spawn
