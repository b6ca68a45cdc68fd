#include "proxy/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace gracevisor::proxy {
namespace {

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::string_view kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMaxVersion1 = 107;  // with CRLF
constexpr std::size_t kHead2 = 16;

ProxyHeader malformed() noexcept {
  return {.state = ProxyHeader::State::malformed, .size = 0, .client = {}};
}

ProxyHeader complete(std::size_t size, std::optional<base::Address> client) noexcept {
  return {.state = ProxyHeader::State::complete, .size = size, .client = client};
}

base::Address from_ipv4(const in_addr& host, std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = host;
  address.sin_port = htons(port);
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

base::Address from_ipv6(const in6_addr& host, std::uint16_t port) noexcept {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  address.sin6_port = htons(port);
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Takes the next word off, and the one space behind it.
std::string_view take_word(std::string_view& rest) noexcept {
  std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<base::Address> parse_address(int family, std::string_view host, std::uint16_t port) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  // inet_pton() would stop at a NUL.
  if (host.size() >= text.size() || host.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(host.begin(), host.end(), text.begin());
  in_addr v4{};
  in6_addr v6{};
  if (family == AF_INET && ::inet_pton(AF_INET, text.data(), &v4) == 1) return from_ipv4(v4, port);
  if (family == AF_INET6 && ::inet_pton(AF_INET6, text.data(), &v6) == 1) return from_ipv6(v6, port);
  return std::nullopt;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
ProxyHeader parse_version_1(std::string_view bytes) noexcept {
  std::string_view known = bytes.substr(0, kMaxVersion1);
  std::size_t end = known.find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kMaxVersion1 ? ProxyHeader{} : malformed();
  }
  std::string_view rest = bytes.substr(kVersion1.size(), end - kVersion1.size());
  std::string_view protocol = take_word(rest);
  if (protocol == "UNKNOWN") return complete(end + 2, std::nullopt);
  int family = protocol == "TCP4" ? AF_INET : protocol == "TCP6" ? AF_INET6 : AF_UNSPEC;
  std::string_view source = take_word(rest);
  std::string_view destination = take_word(rest);
  auto source_port = parse_port(take_word(rest));
  auto destination_port = parse_port(rest);
  if (family == AF_UNSPEC || !source_port || !destination_port) return malformed();
  auto client = parse_address(family, source, *source_port);
  if (!client || !parse_address(family, destination, *destination_port)) return malformed();
  return complete(end + 2, client);
}

template <class Host>
struct Pair {  // source and destination as version 2 sends them
  Host source;
  Host destination;
  std::uint16_t source_port;
  std::uint16_t destination_port;
};

ProxyHeader parse_version_2(std::string_view bytes) noexcept {
  if (bytes.size() < kHead2) return {};
  auto byte = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  constexpr unsigned kVersion = 0x20;
  unsigned command = byte(12);
  unsigned family = byte(13) >> 4U;
  unsigned transport = byte(13) & 0xfU;
  std::size_t length = std::size_t{byte(14)} << 8U | byte(15);
  std::size_t size = kHead2 + length;
  if ((command & 0xf0U) != kVersion || (command & 0xfU) > 1 || size > kMaxProxyHeader) return malformed();
  if (bytes.size() < size) return {};
  std::string_view addresses = bytes.substr(kHead2, length);
  bool local = (command & 0xfU) == 0;
  if (local || transport != 1) return complete(size, std::nullopt);
  if (family == 1) {
    Pair<in_addr> pair{};
    if (addresses.size() < 12) return malformed();
    std::memcpy(&pair, addresses.data(), 12);
    return complete(size, from_ipv4(pair.source, ntohs(pair.source_port)));
  }
  if (family == 2) {
    Pair<in6_addr> pair{};
    if (addresses.size() < 36) return malformed();
    std::memcpy(&pair, addresses.data(), 36);
    return complete(size, from_ipv6(pair.source, ntohs(pair.source_port)));
  }
  return complete(size, std::nullopt);  // a Unix socket's path is no client's address
}

bool begins(std::string_view bytes, std::string_view with) noexcept {
  std::size_t known = std::min(bytes.size(), with.size());
  return bytes.substr(0, known) == with.substr(0, known);
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) noexcept {
  if (begins(bytes, kVersion2))
    return bytes.size() < kVersion2.size() ? ProxyHeader{} : parse_version_2(bytes);
  if (begins(bytes, kVersion1))
    return bytes.size() < kVersion1.size() ? ProxyHeader{} : parse_version_1(bytes);
  return malformed();
}

}  // namespace gracevisor::proxy
