// A check before the TOML parser, for what the parser does not withstand. How deep keys and brackets nest: it
// and the destructors of its trees recurse once per level, and toml++ 3.3 bounds brackets but not dotted
// keys, so a file full of dots would overflow the daemon's stack. And what a table's name begins with:
// toml++ 3.3 asserts that. Decides nothing else about the text. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::config {

struct NestingTrouble {
  unsigned line = 0;
  unsigned column = 0;
  std::string text;
};

inline constexpr unsigned kMostKeyParts = 16;
inline constexpr unsigned kMostBrackets = 32;

[[nodiscard]] std::optional<NestingTrouble> check_nesting(std::string_view text);

}  // namespace gracevisor::config
