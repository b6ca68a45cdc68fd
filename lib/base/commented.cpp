#include "base/commented.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace gracevisor::base {

std::string in_columns(const std::vector<CommentedLine>& lines) {
  constexpr std::size_t kWidest = 44;
  std::size_t column = 0;
  for (const auto& [text, comment] : lines) {
    if (!comment.empty() && text.size() <= kWidest) column = std::max(column, text.size());
  }
  std::string out;
  for (const auto& [text, comment] : lines) {
    out += comment.empty() ? text + "\n" : fmt::format("{:<{}}  # {}\n", text, column, comment);
  }
  return out;
}

}  // namespace gracevisor::base
