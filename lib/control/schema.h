// The messages as JSON Schemas (draft 2020-12), made from the tables that write and read them, so that a
// schema cannot describe anything else. Thread: values, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gracevisor::control {

// "status", "report", …
[[nodiscard]] std::vector<std::string_view> schema_names();
// Indented, with a newline at the end; unset: there is none of that name.
[[nodiscard]] std::optional<std::string> schema_text(std::string_view name);

}  // namespace gracevisor::control
