#include <fmt/chrono.h>

#include <iterator>

#include "http/forward.h"

namespace gracevisor::http {

// fmt takes names from the locale only if asked to.
std::string_view DateCache::text(std::chrono::system_clock::time_point now) {
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (second == second_ && !text_.empty()) return text_;
  second_ = second;
  text_.clear();
  std::tm parts{};
  if (gmtime_r(&second, &parts) == nullptr) return text_;  // a year beyond int: the field is left out
  fmt::format_to(std::back_inserter(text_), "{:%a, %d %b %Y %H:%M:%S GMT}", parts);
  return text_;
}

}  // namespace gracevisor::http
