// Numbers and foreign text as people read them. Thread: values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/age.h"

namespace gracevisor::gvctl {

// 14092 -> "14,092"
[[nodiscard]] std::string grouped(std::uint64_t number);
using base::age;
using base::tight_age;
[[nodiscard]] bool among(std::string_view text, std::initializer_list<std::string_view> words);
// An RFC 3339 time in UTC as "2026-11-29 15:20:41" in the user's time zone; what is none is only made
// harmless.
[[nodiscard]] std::string local_time(std::string_view rfc3339);
// 325058560 -> "310M"; one decimal for values below ten.
[[nodiscard]] std::string size(std::uint64_t bytes);

// Whether colours (SGR sequences) in a text may pass.
enum class Colours { pass, escape };
// Text that others wrote, made harmless for a terminal: control characters become \x1b and the like; tabs and
// UTF-8 pass. If colours passed, the line ends with them reset.
[[nodiscard]] std::string harmless(std::string_view text, Colours colours = Colours::escape);

}  // namespace gracevisor::gvctl
