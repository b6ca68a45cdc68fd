// How text is shown on a terminal. Thread: values.
#pragma once

#include <cstdint>
#include <string>

namespace gracevisor::gvctl {

struct Style {
  bool colour = false;
};

enum class Colour : std::uint8_t { plain, bold, red, green, yellow };

// The text in that colour, if there are to be any.
[[nodiscard]] std::string paint(std::string text, Colour colour, const Style& style);

}  // namespace gracevisor::gvctl
