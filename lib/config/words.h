// A command given as one string: its words, and any syntax that a shell would have interpreted beyond
// splitting. Thread: any.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::config {

struct Words {
  std::vector<std::string> words;
  // The first piece outside quotes that only a shell understands, as written: "&&", "|", ";", ">", "$VAR",
  // "~", "A=1" before the program; empty if there is none.
  std::string shell_syntax;
};

// Can a variable have it in its name?
[[nodiscard]] inline bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// An error for an unclosed quote or a backslash at the end.
[[nodiscard]] base::Expected<Words> read_words(std::string_view text);

}  // namespace gracevisor::config
