// How often a text is in another one. Thread: any.
#pragma once

#include <cstddef>
#include <string>

namespace gracevisor::test {

// Without overlaps. Requires: `part` is not empty.
[[nodiscard]] inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

}  // namespace gracevisor::test
