// Numbers and foreign text as people read them. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gracevisor::gvctl {

// 14092 -> "14,092"
[[nodiscard]] std::string grouped(std::uint64_t number);
// 7260 -> "2h" (tight) or "2 h"; the largest unit alone: s, m or "min", h, d.
[[nodiscard]] std::string tight_age(std::uint64_t seconds);
[[nodiscard]] std::string age(std::uint64_t seconds);
// 325058560 -> "310M"; one decimal below ten of a unit.
[[nodiscard]] std::string size(std::uint64_t bytes);

// Whether the colours (SGR sequences) that a text carries may pass.
enum class Colours { pass, escape };
// Text that others wrote, made harmless for a terminal: control characters become \x1b and the like; tabs and
// UTF-8 pass. A line that passed colours ends without one.
[[nodiscard]] std::string harmless(std::string_view text, Colours colours = Colours::escape);

}  // namespace gracevisor::gvctl
