#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace gracevisor::base {
namespace {

std::optional<Port> parse_port(std::string_view text) {
  unsigned value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value > 65535) return std::nullopt;
  return Port(static_cast<std::uint16_t>(value));
}

template <class T>
T read_as(const sockaddr_storage& storage) {
  T address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

}  // namespace

Address Address::from_sockaddr(const sockaddr* address, socklen_t length) {
  Address result;
  result.length_ = std::min<socklen_t>(length, sizeof result.storage_);
  std::memcpy(&result.storage_, address, result.length_);
  return result;
}

Address Address::tcp_loopback(Port port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port.value());
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
}

Expected<Address> Address::unix_path(std::string_view path) {
  sockaddr_un un{};
  if (path.empty()) return fail("an empty path is no Unix socket address");
  // It would be cut at the NUL, or name an abstract socket.
  if (path.find('\0') != std::string_view::npos) return fail("a Unix socket path cannot hold a NUL byte");
  if (path.size() >= sizeof un.sun_path) {
    return fail("the Unix socket path " + std::string(path) + " is longer than 107 bytes");
  }
  un.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), un.sun_path);
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&un),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1));
}

Expected<Address> Address::parse(std::string_view text) {
  if (text.starts_with("unix:")) return unix_path(text.substr(5));
  auto colon = text.rfind(':');
  auto invalid = [&] {
    return fail("\"" + std::string(text) +
                R"(" is no address: write "127.0.0.1:80", "[::1]:80", "*:80" or "unix:/path")");
  };
  // A NUL would hide what follows it from inet_pton.
  if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos) return invalid();
  auto port = parse_port(text.substr(colon + 1));
  if (!port) return invalid();
  std::string host(text.substr(0, colon));
  sockaddr_in in{};
  if (::inet_pton(AF_INET, host.c_str(), &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    in.sin_port = htons(port->value());
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port->value());
  bool any = host == "*";
  if (!any) {
    if (host.size() < 2 || host.front() != '[' || host.back() != ']') return invalid();
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &in6.sin6_addr) != 1) return invalid();
  }
  Address result = from_sockaddr(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
  result.dual_stack_ = any;
  return result;
}

const sockaddr* Address::get() const noexcept {
  return reinterpret_cast<const sockaddr*>(&storage_);
}

Port Address::port() const noexcept {
  if (family() == AF_INET) return Port(ntohs(read_as<sockaddr_in>(storage_).sin_port));
  if (family() == AF_INET6) return Port(ntohs(read_as<sockaddr_in6>(storage_).sin6_port));
  return Port(0);
}

Address Address::with_port(Port port) const {
  Address copy = *this;
  // sin_port and sin6_port lie at the same offset.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  if (!is_unix()) {
    std::uint16_t wire = htons(port.value());
    std::memcpy(reinterpret_cast<char*>(&copy.storage_) + offsetof(sockaddr_in, sin_port), &wire,
                sizeof wire);
  }
  return copy;
}

Address Address::owned_by(uid_t user) const {
  Address copy = *this;
  copy.owner_ = user;
  return copy;
}

std::string Address::host_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    auto in = read_as<sockaddr_in>(storage_);
    return ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
  }
  if (family() == AF_INET6) {
    auto in6 = read_as<sockaddr_in6>(storage_);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
      return ::inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], text.data(), text.size());
    }
    return ::inet_ntop(AF_INET6, &in6.sin6_addr, text.data(), text.size());
  }
  return "unix:";
}

std::string Address::text() const {
  if (is_unix()) {
    auto un = read_as<sockaddr_un>(storage_);
    return "unix:" + std::string(un.sun_path, ::strnlen(un.sun_path, sizeof un.sun_path));
  }
  std::string host = dual_stack_ ? "*" : host_text();
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(port().value());
}

bool Address::operator==(const Address& other) const noexcept {
  return dual_stack_ == other.dual_stack_ && length_ == other.length_ &&
         std::memcmp(&storage_, &other.storage_, length_) == 0;
}

}  // namespace gracevisor::base
