// The daemon's half of starting a process: the binary itself is started again under the name kHelperName, in
// a session of its own, and does the rest (spawn_helper.cpp) from a single-threaded state, where everything
// is allowed. A fork of the daemon would copy its page tables and leave only async-signal-safe calls.
// Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

#include "base/unique_fd.h"
#include "supervise/exit_status.h"

namespace gracevisor::supervise {

// What becomes descriptor 0 to 5 of the helper. Numbers of 10 and above, so that none stands in the way of
// another's place.
struct HelperFds {
  base::UniqueFd in;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd plan;
  base::UniqueFd report;
  base::UniqueFd listener;  // empty: none
};
inline constexpr int kLowestSource = 10;

// The helper's pid; it leads its own session and group already. On an error no child exists. Blocks until the
// helper's image is loaded (a millisecond).
[[nodiscard]] std::expected<pid_t, SpawnFailed> spawn_helper(const std::string& helper, const HelperFds& fds);

}  // namespace gracevisor::supervise
