#include <fmt/format.h>

#include <array>
#include <ctime>
#include <iterator>

#include "http/forward.h"

namespace gracevisor::http {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

// Names are spelled here because strftime() takes them from the locale.
std::string_view DateCache::text(std::chrono::system_clock::time_point now) {
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (second == second_ && !text_.empty()) return text_;
  second_ = second;
  std::tm parts{};
  text_.clear();
  if (gmtime_r(&second, &parts) == nullptr) return text_;  // a year beyond int: the field is left out
  fmt::format_to(std::back_inserter(text_), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                 kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                 kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                 parts.tm_min, parts.tm_sec);
  return text_;
}

}  // namespace gracevisor::http
