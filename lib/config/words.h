// A command given as one string: its words, and what a shell would have done with it beyond splitting.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::config {

struct Words {
  std::vector<std::string> words;
  // The first piece outside of quotes that only a shell understands, as written: "&&", "|", ";", ">", "$VAR",
  // "~", "A=1" before the program; empty when there is none.
  std::string shell_syntax;
};

// An error for a quote that is not closed or a backslash at the end.
[[nodiscard]] base::Expected<Words> read_words(std::string_view text);

}  // namespace gracevisor::config
