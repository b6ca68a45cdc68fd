// A Draft as TOML. Thread: any; pure.
#pragma once

#include <string>
#include <string_view>

#include "migrate/draft.h"

namespace gracevisor::migrate {

// `title` is the first comment: what was read.
[[nodiscard]] std::string print(const Draft& draft, std::string_view title);

// A comment's text: every control character is escaped, so that it stays on its line and moves no terminal.
[[nodiscard]] std::string comment_text(std::string_view text);

}  // namespace gracevisor::migrate
