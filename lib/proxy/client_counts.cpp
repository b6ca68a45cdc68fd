#include "proxy/client_counts.h"

#include <netinet/in.h>

#include <cstring>

namespace gracevisor::proxy {
namespace {

constexpr std::uint8_t kV4 = 4;
constexpr std::uint8_t kV6 = 6;
constexpr std::uint8_t kLoopback6 = 1;  // ::1, whose network has no other machine

}  // namespace

ClientKey client_key(const base::Address& address) noexcept {
  ClientKey key;
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    key.family = kV4;
    std::memcpy(key.network.data(), &v4->sin_addr, sizeof v4->sin_addr);
  } else if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      constexpr std::size_t kMapped = sizeof(in6_addr) - sizeof(in_addr);
      key.family = kV4;
      std::memcpy(key.network.data(), &v6->sin6_addr.s6_addr[kMapped], sizeof(in_addr));
    } else if (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
      key.family = kLoopback6;
    } else {
      key.family = kV6;
      std::memcpy(key.network.data(), &v6->sin6_addr, key.network.size());
    }
  }
  return key;
}

bool is_loopback(const ClientKey& key) noexcept {
  constexpr unsigned char kNet = 127;
  return key.family == kLoopback6 || (key.family == kV4 && key.network[0] == kNet);
}

}  // namespace gracevisor::proxy
