// The supervisor's state as the control API's messages. Thread: the supervisor's.
#pragma once

#include "control/messages.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {

[[nodiscard]] control::StatusReport status_of(supervise::Supervisor& supervisor, base::TimePoint started);
[[nodiscard]] control::AppStatus status_of(supervise::Supervisor& supervisor,
                                           const supervise::Supervisor::AppEntry& entry);
[[nodiscard]] control::LogLine message_of(const supervise::OutputLine& line);
[[nodiscard]] control::ReportLine message_of(const decide::ReportLine& line);

}  // namespace gracevisor::daemon
