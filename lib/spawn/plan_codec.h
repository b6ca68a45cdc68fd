// A SpawnPlan as bytes, for the way from the daemon to the spawn helper: a sealed memfd, so that nothing is
// visible on a command line and no size limit of a pipe applies. The two are programs of one version,
// installed together and opened when the daemon starts; the version in the format notices where they are not.
// Strings are any bytes without NUL. A listener travels beside it: decoded, the plan names the place where
// the helper finds it. Thread: values; the daemon's supervisor thread and the helper.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

[[nodiscard]] std::string encode_plan(const SpawnPlan& plan);
// Code EPROTONOSUPPORT: another version; EBADMSG: cut, or followed by something.
[[nodiscard]] base::Expected<SpawnPlan> decode_plan(std::string_view bytes);

// A memfd that holds the plan and can no longer be changed.
[[nodiscard]] base::Expected<base::UniqueFd> seal_plan(const SpawnPlan& plan);
// Reads it back from the start, whatever the descriptor's offset; refuses what is not sealed.
[[nodiscard]] base::Expected<SpawnPlan> read_sealed_plan(int fd);

// The same for any bytes.
[[nodiscard]] base::Expected<base::UniqueFd> seal(std::string_view bytes);
[[nodiscard]] base::Expected<std::string> read_sealed(int fd);

}  // namespace gracevisor::spawn
