// The header that a TCP load balancer sends at the start of a connection to tell who the client is: HAProxy's
// PROXY protocol, versions 1 and 2 (doc/proxy-protocol.txt in its sources). Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"

namespace gracevisor::proxy {

struct ProxyHeader {
  enum class State : std::uint8_t { incomplete, complete, malformed };
  State state = State::incomplete;
  std::size_t size = 0;  // complete: bytes of the header
  std::optional<base::Address>
      client;  // complete: unset if the balancer speaks for itself or names no TCP client
};

// The longest header that is accepted; the specification allows 64 kB of extensions, but none that large are
// sent.
inline constexpr std::size_t kMaxProxyHeader = 4096;

// `bytes` starts with the connection's first byte. incomplete: call again with the same bytes and more.
[[nodiscard]] ProxyHeader parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace gracevisor::proxy
