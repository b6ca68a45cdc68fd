#include "base/signal_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/nearest.h"

namespace gracevisor::base {
namespace {

constexpr int kMostSignals = 64;  // _NSIG on Linux, but for MIPS
constexpr int kNamed = 31;        // above these are the real-time signals
constexpr std::size_t kMostSignal = 16;

}  // namespace

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? name : std::to_string(number);
}

Expected<int> signal_number(std::string_view text) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc() && end == text.data() + text.size()) {
    if (number >= 1 && number <= kMostSignals) return number;
    return fail(fmt::format("there is no signal {}: they are 1 to {}", number, kMostSignals));
  }
  std::string name(text.substr(0, kMostSignal));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  std::array<std::string_view, kNamed> known{};
  for (int one = 1; one <= kNamed; ++one) {
    known.at(static_cast<std::size_t>(one - 1)) = ::sigabbrev_np(one);
    if (text.size() <= kMostSignal && known.at(static_cast<std::size_t>(one - 1)) == name) return one;
  }
  return fail(fmt::format("unknown signal \"{}\"{}", text.substr(0, kMostSignal), did_you_mean(name, known)));
}

}  // namespace gracevisor::base
