// The supervisor's snapshots, lines and reports as the control API's messages. Thread: any.
#pragma once

#include <map>
#include <string>

#include "control/messages.h"
#include "supervise/history.h"
#include "supervise/output_tail.h"
#include "supervise/snapshot.h"

namespace gracevisor::daemon {

[[nodiscard]] control::StatusReport status_of(const supervise::Snapshot& snapshot, base::TimePoint started,
                                              const control::KeeperStatus& keeper,
                                              const std::optional<control::PredecessorStatus>& predecessor,
                                              const std::map<std::string, std::string>& degraded_logs);
[[nodiscard]] control::AppStatus status_of(const supervise::AppSnapshot& app, base::TimePoint now);
[[nodiscard]] control::LogLine message_of(const supervise::OutputLine& line);
[[nodiscard]] control::ReportLine message_of(const decide::ReportLine& line);
[[nodiscard]] control::PastCommand message_of(const supervise::PastCommand& command);

}  // namespace gracevisor::daemon
