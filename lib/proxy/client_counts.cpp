#include "proxy/client_counts.h"

#include <netinet/in.h>

#include <cstring>

namespace gracevisor::proxy {
namespace {

constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;

}  // namespace

ClientKey client_key(const base::Address& address) noexcept {
  ClientKey key;
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    key.family = kV4;
    std::memcpy(&key.network, &v4->sin_addr, sizeof v4->sin_addr);
  } else if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      constexpr std::size_t kMapped = sizeof(in6_addr) - sizeof(in_addr);
      key.family = kV4;
      std::memcpy(&key.network, &v6->sin6_addr.s6_addr[kMapped], sizeof(in_addr));
    } else {
      key.family = kV6;
      std::memcpy(&key.network, &v6->sin6_addr, sizeof key.network);
    }
  }
  return key;
}

bool is_loopback(const base::Address& address) noexcept {
  constexpr unsigned char kNet = 127;
  ClientKey key = client_key(address);
  if (key.family == kV4) {
    unsigned char first = 0;
    std::memcpy(&first, &key.network, sizeof first);
    return first == kNet;
  }
  if (key.family != kV6) return false;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr);
}

}  // namespace gracevisor::proxy
