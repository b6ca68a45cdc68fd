#include "config/restart_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace gracevisor::config {
namespace {

constexpr int kLargest = 255;  // of an exit code
constexpr std::string_view kExpected = "a list of exit codes such as [0, 3]";

}  // namespace

void read_exit_codes(Reading& reading, const Item& item, std::vector<int>& codes) {
  const auto* list = std::get_if<Array>(&item.value.data);
  if (list == nullptr) return reading.wrong_type(item, kExpected);
  std::vector<int> read;
  for (const Value& element : *list) {
    const auto code = reading.integer({item.path, element}, {0, kLargest});
    if (!code) return;
    read.push_back(static_cast<int>(*code));
  }
  std::ranges::sort(read);
  const auto twice = std::ranges::unique(read);
  read.erase(twice.begin(), twice.end());
  codes = std::move(read);
}

std::string exit_codes_text(const std::vector<int>& codes) {
  return fmt::format("[{}]", fmt::join(codes, ", "));
}

}  // namespace gracevisor::config
