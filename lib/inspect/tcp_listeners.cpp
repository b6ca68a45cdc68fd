#include "inspect/tcp_listeners.h"

#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "inspect/sock_diag.h"

namespace gracevisor::inspect {
namespace {

using base::Expected;
using TcpListeners = std::vector<TcpListener>;

base::Address address_of(int family, std::uint16_t port_in_network_order, const void* host) {
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = port_in_network_order;
    std::memcpy(&in.sin_addr, host, sizeof in.sin_addr);
    return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&in), sizeof in);
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = port_in_network_order;
  std::memcpy(&in6.sin6_addr, host, sizeof in6.sin6_addr);
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&in6), sizeof in6);
}

// Of an IPv6 socket: whether IPv4 is refused.
bool v6_only(std::span<const char> attributes) {
  auto value = find_attribute(attributes, INET_DIAG_SKV6ONLY);
  return !value.empty() && value.front() != 0;
}

void take(std::span<const char> payload, TcpListeners& result) {
  inet_diag_msg message{};
  if (payload.size() < sizeof message) return;
  std::memcpy(&message, payload.data(), sizeof message);
  if (message.idiag_state != TCP_LISTEN) return;
  TcpListener listener;
  listener.address = address_of(message.idiag_family, message.id.idiag_sport, message.id.idiag_src);
  listener.v6_only = v6_only(payload.subspan(sizeof message));
  listener.inode = message.idiag_inode;
  result.push_back(listener);
}

// If a port is named (0: none is), the kernel leaves out the sockets of other ports.
Expected<void> dump(const SockDiag& kernel, int family, std::optional<base::Port> port,
                    TcpListeners& result) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = 1U << TCP_LISTEN;
  request.id.idiag_sport = htons(port.value_or(base::Port(0)).value());
  return kernel.dump(std::as_bytes(std::span(&request, 1)), [&result](std::span<const char> payload) {
    take(payload, result);
    return result.size() < kMaxListeners;
  });
}

// "0100007F:4E20": the address as words in host order, the port as a number.
std::optional<base::Address> parse_proc_address(std::string_view text, int family) {
  std::array<std::uint32_t, 4> words{};
  std::size_t count = family == AF_INET ? 1 : 4;
  if (text.size() != count * 8 + 5 || text[count * 8] != ':') return std::nullopt;
  auto number = [](std::string_view digits, auto& value) {
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return ec == std::errc() && end == digits.data() + digits.size();
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (!number(text.substr(i * 8, 8), words[i])) return std::nullopt;
  }
  std::uint16_t port = 0;
  if (!number(text.substr(count * 8 + 1), port)) return std::nullopt;
  return address_of(family, htons(port), words.data());
}

// "  0: 0100007F:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4711 1 ..."
std::optional<TcpListener> parse_proc_line(const std::string& line, int family) {
  std::istringstream fields(line);
  std::string number;
  std::string local;
  std::string remote;
  std::string state;
  std::string skipped;
  ino_t inode = 0;
  fields >> number >> local >> remote >> state;
  for (int i = 0; i < 5; ++i) fields >> skipped;
  if (!(fields >> inode) || state != "0A") return std::nullopt;
  auto address = parse_proc_address(local, family);
  if (!address) return std::nullopt;
  return TcpListener{*address, false, inode};
}

bool read_proc_file(const std::filesystem::path& file, int family, std::optional<base::Port> port,
                    TcpListeners& result) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return false;  // the heading
  while (result.size() < kMaxListeners && std::getline(in, line)) {
    auto listener = parse_proc_line(line, family);
    if (listener && (!port || listener->address.port() == *port)) result.push_back(*listener);
  }
  return true;
}

}  // namespace

Expected<TcpListeners> tcp_listeners_by_netlink(std::optional<base::Port> port) {
  auto kernel = SockDiag::open();
  if (!kernel) return std::unexpected(kernel.error());
  TcpListeners result;
  for (int family : {AF_INET, AF_INET6}) {
    if (auto dumped = dump(*kernel, family, port, result); !dumped) return std::unexpected(dumped.error());
  }
  return result;
}

Expected<TcpListeners> tcp_listeners_by_proc(const std::filesystem::path& folder,
                                             std::optional<base::Port> port) {
  TcpListeners result;
  if (!read_proc_file(folder / "tcp", AF_INET, port, result)) {
    return base::fail("cannot read " + (folder / "tcp").string());
  }
  // Missing on a machine without IPv6.
  (void)read_proc_file(folder / "tcp6", AF_INET6, port, result);
  return result;
}

Expected<TcpListeners> tcp_listeners(std::optional<base::Port> port) {
  auto result = tcp_listeners_by_netlink(port);
  return result ? result : tcp_listeners_by_proc("/proc/net", port);
}

}  // namespace gracevisor::inspect
