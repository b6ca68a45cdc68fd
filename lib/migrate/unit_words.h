// The languages inside the values of systemd units: words (systemd.service(5), "Command lines"), specifiers
// (systemd.unit(5)), $VARIABLES, time spans (systemd.time(7)). Thread: any; pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "migrate/draft.h"

namespace gracevisor::migrate {

// What %n and the like stand for; a specifier that is not in it has no value here.
using Specifiers = std::map<char, std::string>;

// Words, with quotes and escapes taken off. Specifiers are still in them.
[[nodiscard]] base::Expected<std::vector<std::string>> read_unit_words(std::string_view text);

[[nodiscard]] base::Expected<std::string> fill_specifiers(std::string_view text,
                                                          const Specifiers& specifiers);

// The command with its variables: those in `known` filled in; if others are left, a shell that knows them
// when the app starts.
struct UnitCommand {
  Command command;        // templates
  std::string shell_for;  // the first such variable; empty if no shell is needed
};
[[nodiscard]] base::Expected<UnitCommand> fill_variables(const std::vector<std::string>& words,
                                                         const Environment& known);

// Quoted for sh.
[[nodiscard]] std::string shell_quoted(std::string_view text);

// "1min 30s", "90", "infinity" (Millis::max()).
[[nodiscard]] std::optional<Millis> read_time_span(std::string_view text);

}  // namespace gracevisor::migrate
