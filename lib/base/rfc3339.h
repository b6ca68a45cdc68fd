// Times in logs: "2026-10-10T13:55:36.123Z" (RFC 3339 section 5.6), written in UTC to the millisecond, and
// read back. No function takes the C library's lock for time zones. Thread: values, any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::base {

using WallTime = std::chrono::system_clock::time_point;

// A moment's date and time of day, in UTC.
struct Calendar {
  explicit Calendar(WallTime time);
  // "13:55:36"
  void append_clock(std::string& out) const;

  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  std::uint64_t millisecond = 0;  // of the day
};

// The last `width` digits of `number`, with zeros in front.
void append_digits(std::uint64_t number, std::size_t width, std::string& out);

// 24 bytes, for years up to 9999.
void append_rfc3339(WallTime when, std::string& out);
[[nodiscard]] std::string rfc3339(WallTime when);

// A whole date and time with "T", any number of digits of a second, and "Z" or an offset; unset for anything
// else, also for a day that the month does not have, a leap second, and a year before 1970 or after 2200.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

// "10/Oct/2026:13:55:36 +0000", as Apache and nginx write it, and back.
void append_common_time(WallTime when, std::string& out);
[[nodiscard]] std::optional<WallTime> parse_common_time(std::string_view text);

}  // namespace gracevisor::base
