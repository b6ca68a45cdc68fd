// Turns facts into lines of the daemon's log: an event with a key=value tail. Thread: any.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"
#include "decide/fact.h"

namespace gracevisor::decide {

struct LogText {
  base::LogLevel level = base::LogLevel::info;
  std::string text;
};

// Unset: the fact appears only in receipts.
[[nodiscard]] std::optional<LogText> log_text(const Fact& fact);

}  // namespace gracevisor::decide
