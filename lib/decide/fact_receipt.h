// Turns facts into lines of a deploy's receipt, with their fields for programs. Thread: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "decide/fact.h"
#include "decide/report.h"

namespace gracevisor::decide {

// The line, without its time. Unset: the fact appears only in the log.
[[nodiscard]] std::optional<ReportLine> receipt_line(const Fact& fact);
// For a line of what has stopped.
[[nodiscard]] StoppedInstance stopped_instance(const routing::Identity& who, const spawn::ExitStatus& status);
// "@42 serves 2/2"; "@42 goes on, 0/2 healthy".
[[nodiscard]] std::string serving_text(std::string_view generation, std::size_t healthy,
                                       std::size_t instances);
// Adds that line to `receipt`, if there is one.
void add_line(const Fact& fact, Report& receipt);

}  // namespace gracevisor::decide
