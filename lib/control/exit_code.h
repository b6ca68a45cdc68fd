// Exit codes as carried by the control API's HTTP statuses. Thread: values, any thread.
#pragma once

#include "base/exit_code.h"

namespace gracevisor::control {

using base::ExitCode;

// The exit code that an error answer with this HTTP status stands for; `failed` if the status does not say.
[[nodiscard]] ExitCode exit_for_status(int http_status) noexcept;
// The HTTP status that an error with this exit code is answered with.
[[nodiscard]] int status_for_exit(ExitCode exit) noexcept;

}  // namespace gracevisor::control
