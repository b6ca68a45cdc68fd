// Lines of a file with comments behind them, which begin in one column. Thread: any.
#pragma once

#include <string>
#include <vector>

namespace gracevisor::base {

struct CommentedLine {
  std::string text;
  std::string comment = {};  // without its "# "; empty: none
};

// With their newlines. The column is that of the longest line, except those that are too long for it.
[[nodiscard]] std::string in_columns(const std::vector<CommentedLine>& lines);

}  // namespace gracevisor::base
