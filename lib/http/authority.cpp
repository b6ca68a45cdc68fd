#include "http/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "http/characters.h"
#include "http/fields.h"

namespace gracevisor::http {

namespace {

constexpr std::size_t kMaxName = 255;

bool valid_ipv6(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr address{};
  return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

// No empty labels, except one after the last dot.
bool valid_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxName) return false;
  char before = '.';
  for (const char c : name) {
    if (!is(kNameCharacter, c) || (c == '.' && before == '.')) return false;
    before = c;
  }
  return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  std::uint64_t number = 0;
  if (text.size() > 5 || !parse_decimal(text, number) || number == 0 || number > UINT16_MAX) return false;
  port = static_cast<std::uint16_t>(number);
  return true;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) noexcept {
  Authority authority;
  const bool bracket = text.starts_with('[');
  std::size_t end = text.find(bracket ? ']' : ':');
  if (bracket) {
    if (end == std::string_view::npos || !valid_ipv6(text.substr(1, end - 1))) return std::nullopt;
    ++end;
  }
  authority.host = text.substr(0, end);
  authority.text = text;
  if (end < text.size()) {
    const std::string_view port = text.substr(end + 1);
    if (text[end] != ':') return std::nullopt;
    if (port.empty()) authority.text.remove_suffix(1);
    if (!port.empty() && !parse_port(port, authority.port)) return std::nullopt;
  }
  if (!bracket) {
    if (!valid_name(authority.host)) return std::nullopt;
    if (authority.host.ends_with('.')) authority.host.remove_suffix(1);
  }
  return authority;
}

bool same(const Authority& a, const Authority& b, std::uint16_t default_port) noexcept {
  const auto port = [default_port](const Authority& of) { return of.port != 0 ? of.port : default_port; };
  return port(a) == port(b) && equals_ignoring_case(a.host, b.host);
}

}  // namespace gracevisor::http
