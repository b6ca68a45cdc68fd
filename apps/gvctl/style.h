// How text is shown on a terminal. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gracevisor::gvctl {

struct Style {
  bool colour = false;
};

enum class Colour : std::uint8_t { plain, bold, red, green, yellow };

// The text in a colour that the name always gets, and which is not red.
[[nodiscard]] std::string paint_as(std::string_view name, std::string text, const Style& style);

// The text in that colour, if there are to be any.
[[nodiscard]] std::string paint(std::string text, Colour colour, const Style& style);

}  // namespace gracevisor::gvctl
