// Which names and values of header fields the configuration may contain (RFC 9110 sections 5.1 and 5.5).
// Internal to config/. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace gracevisor::config {

[[nodiscard]] bool is_header_name(std::string_view text);
// One line without control characters.
[[nodiscard]] bool is_header_value(std::string_view text);
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace gracevisor::config
