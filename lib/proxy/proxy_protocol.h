// The header that a TCP load balancer puts in front of a connection to tell who the client is: HAProxy's
// PROXY protocol, versions 1 and 2 (doc/proxy-protocol.txt there). Thread: pure functions.
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
      client;  // complete: unset where the balancer speaks for itself or does not say
};

// The longest header that is accepted; the specification allows 64 kB of extensions, but none that large are
// sent.
inline constexpr std::size_t kMaxProxyHeader = 4096;

// `bytes` begins where the connection begins. incomplete: call again with more behind the same bytes.
[[nodiscard]] ProxyHeader parse_proxy_header(std::string_view bytes) noexcept;

}  // namespace gracevisor::proxy
