// Names in a sentence, which does not grow with their number: "web, api and 58 more". Thread: any.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>

namespace gracevisor::base {

inline constexpr std::size_t kMostListed = 10;

template <class Names>
[[nodiscard]] std::string listed(const Names& names, std::size_t most = kMostListed) {
  const auto count = static_cast<std::size_t>(std::ranges::distance(names));
  const auto end = std::next(std::ranges::begin(names), static_cast<std::ptrdiff_t>(std::min(count, most)));
  std::string text = fmt::format("{}", fmt::join(std::ranges::begin(names), end, ", "));
  return count > most ? fmt::format("{} and {} more", text, count - most) : text;
}

}  // namespace gracevisor::base
