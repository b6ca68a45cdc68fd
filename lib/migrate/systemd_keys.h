// What is said about keys of systemd units that have no counterpart. Thread: any; pure.
#pragma once

#include <string_view>

namespace gracevisor::migrate {

// Keys that describe the unit, and do nothing.
[[nodiscard]] bool says_nothing(std::string_view section, std::string_view key);
[[nodiscard]] std::string_view says_of_key(std::string_view section, std::string_view key,
                                           std::string_view value);
// Of ExecStart: "-", "@", ":", "+", "!".
[[nodiscard]] std::string_view says_of_prefix(char prefix);

}  // namespace gracevisor::migrate
