#include "gvctl/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace gracevisor::gvctl {
namespace {

// The length of the SGR sequence ("ESC [ 1 ; 31 m") that `text` begins with, or 0.
std::size_t colour_sequence(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  auto end = text.find_first_not_of("0123456789;:", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

// The length of the control character that `text` begins with, or 0: C0 except the tab, DEL, and C1 in UTF-8.
std::size_t control_character(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if ((byte(0) < 0x20 && byte(0) != '\t') || byte(0) == 0x7f) return 1;
  bool c1 = byte(0) == 0xc2 && text.size() > 1 && byte(1) >= 0x80 && byte(1) < 0xa0;
  return c1 ? 2 : 0;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

bool among(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::string local_time(std::string_view rfc3339) {
  std::tm utc{};
  const std::string text(rfc3339);
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (end == nullptr) return harmless(text);
  const std::time_t moment = ::timegm(&utc);
  std::tm local{};
  if (::localtime_r(&moment, &local) == nullptr) return harmless(text);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string size(std::uint64_t bytes) {
  constexpr std::array<char, 5> kUnits = {'B', 'K', 'M', 'G', 'T'};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  bool decimal = unit > 0 && value < 9.95;
  return decimal ? fmt::format("{:.1f}{}", value, kUnits.at(unit))
                 : fmt::format("{:.0f}{}", value, kUnits.at(unit));
}

std::string harmless(std::string_view text, Colours colours) {
  std::string out;
  bool coloured = false;
  while (!text.empty()) {
    std::size_t taken = colours == Colours::pass ? colour_sequence(text) : 0;
    if (taken > 0) {
      coloured = true;
      out.append(text.substr(0, taken));
    } else if (taken = control_character(text); taken > 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[taken - 1]));
    } else {
      taken = 1;
      out.push_back(text.front());
    }
    text.remove_prefix(taken);
  }
  if (coloured) out += "\x1b[0m";
  return out;
}

}  // namespace gracevisor::gvctl
