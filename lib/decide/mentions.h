// Looking for words in what others wrote. Thread: any.
#pragma once

#include <algorithm>
#include <cctype>
#include <string_view>

namespace gracevisor::decide {

// Whether the word, which is in lower case, is in the text in any case.
[[nodiscard]] inline bool mentions(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::ranges::search(text, word, same).begin() != text.end();
}

}  // namespace gracevisor::decide
