// Which names and values of header fields the configuration may contain (RFC 9110 sections 5.1 and 5.5).
// Internal to config/. Thread: any.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reading.h"

namespace gracevisor::config {

[[nodiscard]] bool is_header_name(std::string_view text);
// One line without control characters other than tabs.
[[nodiscard]] bool is_header_value(std::string_view text);
[[nodiscard]] std::string lower_case(std::string_view text);

// Reads a table of names and values such as `example`. If there is an objection to a name, it is reported as
// an error, and the field is left out.
void read_headers(Reading& reading, const Item& item, std::string_view example,
                  const std::function<std::optional<std::string_view>(const std::string& name)>& objection,
                  std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace gracevisor::config
