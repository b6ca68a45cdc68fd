// A request's target as path and query, percent-decoded (RFC 3986 section 2.1), and back. Thread: any;
// values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::control {

struct Target {
  std::string path;
  std::map<std::string, std::string> query;  // if a name occurs twice, the last one counts
};

// Nothing for a broken escape, an escaped '/' in the path, a NUL, or a path that does not begin with '/'.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

// Escapes everything except unreserved characters.
[[nodiscard]] std::string escape(std::string_view text);

}  // namespace gracevisor::control
