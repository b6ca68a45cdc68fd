// The lines of a deploy's receipt that facts become, with their fields for programs. Thread: any.
#pragma once

#include <optional>

#include "decide/fact.h"
#include "decide/report.h"

namespace gracevisor::decide {

// Without its time. Unset: only the log says it.
[[nodiscard]] std::optional<ReportLine> receipt_line(const Fact& fact);

}  // namespace gracevisor::decide
