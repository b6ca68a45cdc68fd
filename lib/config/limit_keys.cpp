#include "config/limit_keys.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "config/values.h"

namespace gracevisor::config {
namespace {

constexpr unsigned kMostLevel = 7;
constexpr unsigned kUsualLevel = 4;
constexpr std::array kClasses = {std::pair(std::string_view("realtime"), kIoRealtime),
                                 std::pair(std::string_view("best-effort"), kIoBestEffort),
                                 std::pair(std::string_view("idle"), kIoIdle)};

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr IoPriority priority_of(int io_class, unsigned level) {
  return IoPriority(static_cast<std::uint16_t>((static_cast<unsigned>(io_class) << 13U) | level));
}

// The level behind "CLASS:"; "CLASS" alone has the usual one.
std::optional<unsigned> level_of(std::string_view text) {
  if (text.empty()) return kUsualLevel;
  const auto level = whole_number<unsigned>(text.substr(1));
  return level && *level <= kMostLevel ? level : std::nullopt;
}

}  // namespace

std::optional<OpenFiles> OpenFilesValue::value(Reading& reading, const Item& item) {
  OpenFiles files;
  if (std::holds_alternative<std::int64_t>(item.value.data)) {
    const auto number = reading.integer(item, {kOpenFiles.least, kOpenFiles.most});
    if (!number) return std::nullopt;
    files.soft = files.hard = static_cast<std::uint64_t>(*number);
  } else {
    const auto text = reading.text(item, kind());
    if (!text) return std::nullopt;
    const std::size_t colon = text->find(':');
    const auto soft = whole_number<std::uint64_t>(std::string_view(*text).substr(0, colon));
    const auto hard = colon == std::string::npos
                          ? soft
                          : whole_number<std::uint64_t>(std::string_view(*text).substr(colon + 1));
    if (!soft || !hard) {
      reading.error(item, fmt::format("expected {}, found {}", kind(), quote_briefly(*text)));
      return std::nullopt;
    }
    files = {*soft, *hard};
  }
  for (const std::uint64_t limit : {files.soft, files.hard}) {
    if (limit >= kOpenFiles.least && limit <= kOpenFiles.most) continue;
    reading.error(item, fmt::format("{} is out of range (allowed: {} to {})", limit, kOpenFiles.least,
                                    kOpenFiles.most));
    return std::nullopt;
  }
  if (files.soft > files.hard) {
    reading.error(item, fmt::format("the soft limit {} is above the hard one {}", files.soft, files.hard));
    return std::nullopt;
  }
  return files;
}

std::string OpenFilesValue::text(const OpenFiles& value) {
  if (value.soft == value.hard) return std::to_string(value.hard);
  return quote(fmt::format("{}:{}", value.soft, value.hard));
}

std::string OpenFilesValue::kind() {
  return fmt::format(R"(a number, {} to {}, or "SOFT:HARD")", kOpenFiles.least, kOpenFiles.most);
}

std::optional<std::uint64_t> CoreSize::value(Reading& reading, const Item& item) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text != nullptr && *text == "unlimited") return kUnlimited;
  return reading.size(item, {0, std::uint64_t{1} << 50U});
}

std::string CoreSize::text(const std::uint64_t& value) {
  return quote(value == kUnlimited ? "unlimited" : size_text(value));
}

base::Expected<IoPriority> parse_io_class(std::string_view text) {
  for (const auto& [word, io_class] : kClasses) {
    if (!text.starts_with(word)) continue;
    const std::string_view rest = text.substr(word.size());
    if (!rest.empty() && rest.front() != ':') continue;
    if (io_class == kIoIdle) {
      if (rest.empty()) return priority_of(kIoIdle, 0);
      return base::fail(R"("idle" has no levels)");
    }
    const auto level = level_of(rest);
    if (level) return priority_of(io_class, *level);
    return base::fail(
        fmt::format("{} has a level that is none (allowed: 0 to {})", quote_briefly(text), kMostLevel));
  }
  return base::fail(
      R"(expected "realtime", "best-effort" or "idle", with a level as in "best-effort:4", found )" +
      quote_briefly(text));
}

std::string io_class_text(const IoPriority& priority) {
  const int io_class = io_class_of(priority);
  const unsigned level = priority.value() & 0x1fffU;
  for (const auto& [word, one] : kClasses) {
    if (one != io_class) continue;
    if (one == kIoIdle && level == 0) return quote(word);
    return quote(fmt::format("{}:{}", word, level));
  }
  return quote(fmt::format("{}", priority.value()));
}

base::Expected<unsigned> parse_cpu_share(std::string_view text) {
  const auto percent =
      text.ends_with('%') ? whole_number<unsigned>(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!percent)
    return base::fail(R"(expected a share of one CPU such as "150%", found )" + quote_briefly(text));
  if (*percent >= 1 && *percent <= kMostCpuShare) return *percent;
  return base::fail(
      fmt::format("{} is out of range (allowed: 1% to {}%)", quote_briefly(text), kMostCpuShare));
}

std::string cpu_share_text(const unsigned& percent) {
  return quote(fmt::format("{}%", percent));
}

}  // namespace gracevisor::config
