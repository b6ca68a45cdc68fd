#include "gvctl/style.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace gracevisor::gvctl {

std::string paint(std::string text, Colour colour, const Style& style) {
  if (!style.colour || colour == Colour::plain) return text;
  constexpr std::array<std::string_view, 5> kCodes = {"0", "1", "31", "32", "33"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

}  // namespace gracevisor::gvctl
