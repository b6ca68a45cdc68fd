#include "base/age.h"

#include <fmt/format.h>

#include <string_view>

namespace gracevisor::base {
namespace {

struct Age {
  std::uint64_t count;
  std::string_view tight;
  std::string_view wide;
};

Age in_largest_unit(std::uint64_t seconds) {
  constexpr std::uint64_t kMinute = 60;
  constexpr std::uint64_t kHour = 60 * kMinute;
  constexpr std::uint64_t kDay = 24 * kHour;
  if (seconds < kMinute) return {seconds, "s", "s"};
  if (seconds < kHour) return {seconds / kMinute, "m", "min"};
  if (seconds < kDay) return {seconds / kHour, "h", "h"};
  return {seconds / kDay, "d", "d"};
}

}  // namespace

std::string tight_age(std::uint64_t seconds) {
  const Age age = in_largest_unit(seconds);
  return fmt::format("{}{}", age.count, age.tight);
}

std::string age(std::uint64_t seconds) {
  const Age age = in_largest_unit(seconds);
  return fmt::format("{} {}", age.count, age.wide);
}

}  // namespace gracevisor::base
