// Foreign text within a line of a log or report: what an app or a client wrote can neither end the line nor
// the quotes around it, nor command a terminal. Thread: values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gracevisor::base {

// White space and controls become single spaces, double quotes single ones, and bytes that are not UTF-8 "?";
// what exceeds `most` bytes is left out, with "..." instead.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t most);
// A text of ours that may hold quotes, to stand between quotes: its double quotes, escaped or not, become
// single ones.
[[nodiscard]] std::string quotable(std::string_view text);

}  // namespace gracevisor::base
