// Turns facts into lines of a deploy's receipt, with their fields for programs. Thread: any.
#pragma once

#include <optional>

#include "decide/fact.h"
#include "decide/report.h"

namespace gracevisor::decide {

// The line, without its time. Unset: the fact appears only in the log.
[[nodiscard]] std::optional<ReportLine> receipt_line(const Fact& fact);
// Adds that line to `receipt`, if there is one.
void add_line(const Fact& fact, Report& receipt);

}  // namespace gracevisor::decide
