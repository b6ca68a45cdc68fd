// How long ago something was, as people say it: only the largest unit. Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace gracevisor::base {

// 7260 -> "2h" (tight) or "2 h"; s, m or "min", h, d.
[[nodiscard]] std::string tight_age(std::uint64_t seconds);
[[nodiscard]] std::string age(std::uint64_t seconds);

}  // namespace gracevisor::base
