// Placeholders in commands and environments: {port}, {socket}, {directory}, {app}, {slot}, {generation}; "{{"
// and "}}" for the braces themselves. Thread: any.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::config {

inline constexpr std::string_view kPlaceholders[] = {"port", "socket", "directory",
                                                     "app",  "slot",   "generation"};

using Values = std::map<std::string, std::string, std::less<>>;

// `text` with every placeholder replaced; an error for an unknown name (with the nearest known one suggested)
// or a lone brace.
[[nodiscard]] base::Expected<std::string> substitute(std::string_view text, const Values& values);

}  // namespace gracevisor::config
