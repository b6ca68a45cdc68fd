#include "gvctl/style.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace gracevisor::gvctl {

std::string paint(std::string text, Colour colour, const Style& style) {
  if (!style.colour || colour == Colour::plain) return text;
  constexpr std::array<std::string_view, 5> kCodes = {"0", "1", "31", "32", "33"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

std::string paint_as(std::string_view name, std::string text, const Style& style) {
  if (!style.colour) return text;
  constexpr std::array<std::string_view, 10> kCodes = {"36", "32", "33", "34", "35",
                                                       "96", "92", "93", "94", "95"};
  std::uint32_t hash = 2166136261U;  // FNV-1a: the same in every run
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(hash % kCodes.size()), text);
}

}  // namespace gracevisor::gvctl
