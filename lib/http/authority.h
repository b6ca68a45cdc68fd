// Host and port as a request names them (RFC 9110 section 4.2, RFC 3986 section 3.2). Internal to http/.
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::http {

struct Authority {
  std::string_view host;   // a name, an IPv4 address, or an IPv6 address in brackets; without a final dot
  std::uint16_t port = 0;  // 0: absent or empty, which mean the same (RFC 3986 section 6.2.3)
  std::string_view text;   // as it was written, without an empty port
};

// Stricter than the RFC, which permits this: accepts no userinfo, no percent-encoding or sub-delimiters in
// the name, and no empty label; the port is 1 to 65535, or empty. Anything else: nullopt.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text) noexcept;
// `default_port` is the scheme's.
[[nodiscard]] bool same(const Authority& a, const Authority& b, std::uint16_t default_port) noexcept;

}  // namespace gracevisor::http
