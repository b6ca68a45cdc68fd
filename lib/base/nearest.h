// Which of several known words may have been meant. Thread: any.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gracevisor::base {

// The known name that `word` was probably meant to be; empty if none is close.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);
// How an error says so: " (did you mean "web"?)"; empty if none is close.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace gracevisor::base
