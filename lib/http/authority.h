// Host and port as a request names them (RFC 9110 section 4.2, RFC 3986 section 3.2). Internal to http/.
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::http {

struct Authority {
  std::string_view host;    // a name, an IPv4 address, or an IPv6 address in brackets; without a final dot
  std::uint16_t port = 80;  // http's where none is written
};

// Stricter than the RFC, which allows it: no userinfo, no percent-encoding or sub-delimiters in the name, no
// empty label, no empty port, port 1 to 65535. nullopt otherwise.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text) noexcept;
[[nodiscard]] bool same(const Authority& a, const Authority& b) noexcept;

}  // namespace gracevisor::http
