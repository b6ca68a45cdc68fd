// Moments as people write them. Thread: values.
#pragma once

#include <optional>
#include <string>

#include "base/rfc3339.h"

namespace gracevisor::gvctl {

// "10m" or "1h30m" before `now`; "14:30" or "14:30:15", the last time that it was so late; "2026-11-29", with
// "19:01" or "19:01:02" behind a space or "T"; or a time as in RFC 3339. All but the last are in the user's
// time zone. Unset: it is none of these.
[[nodiscard]] std::optional<base::WallTime> parse_when(const std::string& text, base::WallTime now);

}  // namespace gracevisor::gvctl
