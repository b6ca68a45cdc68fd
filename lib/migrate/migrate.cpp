#include "migrate/migrate.h"

#include <fmt/format.h>

#include <algorithm>

namespace gracevisor::migrate {
namespace {

// The length of the UTF-8 sequence at the beginning (RFC 3629 section 4); 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    bool second = tail(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    bool second = tail(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

base::Expected<void> check_text(std::string_view text, const std::string& name) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = sequence_length(text.substr(at));
    if (length == 0 || text[at] == '\0') {
      auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      return base::fail(fmt::format("{}:{}: this is no UTF-8 text", name, line));
    }
    at += length;
  }
  return {};
}

base::Expected<Draft> migrate(Foreign kind, const Input& input) {
  if (auto valid = check_text(input.text, input.name); !valid) return std::unexpected(valid.error());
  switch (kind) {
    case Foreign::supervisord: return from_supervisord(input);
    case Foreign::pm2: return from_pm2(input);
    case Foreign::procfile: return from_procfile(input);
    case Foreign::systemd: return from_systemd(input);
  }
  return base::fail(input.name + ": unknown kind");
}

}  // namespace gracevisor::migrate
