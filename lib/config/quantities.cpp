#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>

#include "config/findings.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// In milliseconds, largest first: the order in which they may follow one another.
constexpr std::array<Unit, 5> kDurations{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

// In bytes. The first name of a factor is the one that size_text() writes.
constexpr std::array<Unit, 17> kSizes{{{"TiB", 1ULL << 40},
                                       {"GiB", 1ULL << 30},
                                       {"MiB", 1ULL << 20},
                                       {"KiB", 1ULL << 10},
                                       {"TB", 1'000'000'000'000},
                                       {"GB", 1'000'000'000},
                                       {"MB", 1'000'000},
                                       {"kB", 1000},
                                       {"B", 1},
                                       {"T", 1ULL << 40},
                                       {"G", 1ULL << 30},
                                       {"M", 1ULL << 20},
                                       {"K", 1ULL << 10},
                                       {"t", 1ULL << 40},
                                       {"g", 1ULL << 30},
                                       {"m", 1ULL << 20},
                                       {"k", 1ULL << 10}}};

// The leading number of `text`, which is removed; unset if there is none or it does not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string_view take_letters(std::string_view& text) {
  auto length = std::min(text.find_first_of("0123456789. "), text.size());
  auto letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

// number * factor + sum, unless that exceeds `limit`.
std::optional<std::uint64_t> add_product(std::uint64_t sum, std::uint64_t number, std::uint64_t factor,
                                         std::uint64_t limit) {
  if (number > (limit - sum) / factor) return std::nullopt;
  return sum + number * factor;
}

std::unexpected<base::Error> no_duration(std::string_view text) {
  return base::fail(R"(expected a duration such as "10s", "500ms" or "1h30m", found )" + quote_briefly(text));
}

std::unexpected<base::Error> no_size(std::string_view text) {
  return base::fail(R"(expected a size such as "50MiB", "10MB" or "8k", found )" + quote_briefly(text));
}

}  // namespace

base::Expected<Millis> parse_duration(std::string_view text) {
  constexpr std::uint64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (text == "0") return Millis(0);
  std::string_view rest = text;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  do {
    auto number = take_number(rest);
    if (!number) return no_duration(text);
    auto letters = take_letters(rest);
    while (next_unit < kDurations.size() && kDurations[next_unit].name != letters) ++next_unit;
    if (next_unit == kDurations.size()) return no_duration(text);
    auto sum = add_product(total, *number, kDurations[next_unit].factor, kLimit);
    if (!sum) return base::fail("the duration " + quote_briefly(text) + " is too long");
    total = *sum;
    ++next_unit;
  } while (!rest.empty());
  return Millis(static_cast<std::int64_t>(total));
}

std::string duration_text(Millis duration) {
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (rest == 0) return "0s";
  // One unit, the largest that is exact, but seconds below two minutes: "60s", "90s", "2m".
  constexpr std::uint64_t kSecond = 1000;
  constexpr std::uint64_t kTwoMinutes = 120'000;
  for (const Unit& unit : kDurations) {
    if (unit.factor > kSecond && rest < kTwoMinutes) continue;
    if (rest % unit.factor == 0) return fmt::format("{}{}", rest / unit.factor, unit.name);
  }
  return fmt::format("{}ms", rest);
}

base::Expected<std::uint64_t> parse_size(std::string_view text) {
  if (text == "0") return 0;
  std::string_view rest = text;
  auto number = take_number(rest);
  if (!number) return no_size(text);
  for (const Unit& unit : kSizes) {
    if (rest != unit.name) continue;
    auto size = add_product(0, *number, unit.factor, std::numeric_limits<std::int64_t>::max());
    if (!size) return base::fail("the size " + quote_briefly(text) + " is too large");
    return *size;
  }
  return no_size(text);
}

std::string size_text(std::uint64_t size) {
  if (size == 0) return "0";
  for (const Unit& unit : kSizes) {
    if (size % unit.factor == 0) return fmt::format("{}{}", size / unit.factor, unit.name);
  }
  return fmt::format("{}B", size);
}

}  // namespace gracevisor::config
