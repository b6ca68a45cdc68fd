#include "gvctl/when.h"

#include <chrono>
#include <ctime>
#include <initializer_list>

#include "config/values.h"

namespace gracevisor::gvctl {
namespace {

using std::chrono::system_clock;

// The local time as which `text` reads in one of `formats`, over what `base` has; unset: in none.
std::optional<std::time_t> read_local(const std::string& text, std::initializer_list<const char*> formats,
                                      const std::tm& base) {
  for (const char* format : formats) {
    std::tm fields = base;
    const char* end = ::strptime(text.c_str(), format, &fields);
    if (end == nullptr || *end != '\0') continue;
    fields.tm_isdst = -1;
    const int day = fields.tm_mday;
    const std::time_t moment = ::mktime(&fields);
    // mktime() makes the 2nd of March of the 30th of February.
    if (moment == -1 || fields.tm_mday != day) return std::nullopt;
    return moment;
  }
  return std::nullopt;
}

}  // namespace

std::optional<base::WallTime> parse_when(const std::string& text, base::WallTime now) {
  constexpr std::chrono::hours kLongest(24 * 366 * 50);
  if (const auto ago = config::parse_duration(text)) {
    return *ago <= kLongest ? std::optional(now - *ago) : std::nullopt;
  }
  if (const auto exact = base::parse_rfc3339(text)) return exact;
  std::tm midnight{};
  const std::time_t moment = system_clock::to_time_t(now);
  if (::localtime_r(&moment, &midnight) == nullptr) return std::nullopt;
  midnight.tm_hour = midnight.tm_min = midnight.tm_sec = 0;
  if (const auto today = read_local(text, {"%H:%M:%S", "%H:%M"}, midnight)) {
    if (*today <= moment) return system_clock::from_time_t(*today);
    midnight.tm_mday -= 1;
    (void)::mktime(&midnight);  // into the month before, if it has to be
    const auto yesterday = read_local(text, {"%H:%M:%S", "%H:%M"}, midnight);
    return yesterday ? std::optional(system_clock::from_time_t(*yesterday)) : std::nullopt;
  }
  const auto dated = read_local(
      text, {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}, {});
  return dated ? std::optional(system_clock::from_time_t(*dated)) : std::nullopt;
}

}  // namespace gracevisor::gvctl
