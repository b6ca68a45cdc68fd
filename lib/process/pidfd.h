// Processes by descriptor: a number can come to mean another process, a pidfd cannot. Thread: any.
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::process {

// Close-on-exec. The number of an unreaped child of ours is unambiguous; other processes must be verified
// afterwards.
[[nodiscard]] base::Expected<base::UniqueFd> open_pidfd(pid_t pid);

// False when the process is gone or not ours to signal.
bool send_by_pidfd(const base::UniqueFd& pidfd, int signal) noexcept;

}  // namespace gracevisor::process
