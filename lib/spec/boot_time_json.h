// BootTime in records: whole nanoseconds. Thread: any.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/boot_clock.h"
#include "spec/state_json.h"

namespace gracevisor::spec {

// No machine runs for a hundred years without a boot; what is later would overflow in calculations.
inline constexpr base::BootTime kLatestBootTime{std::chrono::hours(24) * 36'525};

[[nodiscard]] inline Json boot_time_to_json(base::BootTime time) {
  return static_cast<std::uint64_t>(std::max<base::BootTime::rep>(time.time_since_epoch().count(), 0));
}

[[nodiscard]] inline std::optional<base::BootTime> boot_time_from_json(const Json& object, const char* key) {
  const auto number = number_from_json(object, key);
  constexpr auto kMost = static_cast<std::uint64_t>(kLatestBootTime.time_since_epoch().count());
  if (!number || *number > kMost) return std::nullopt;
  return base::BootTime(std::chrono::nanoseconds(static_cast<std::int64_t>(*number)));
}

}  // namespace gracevisor::spec
