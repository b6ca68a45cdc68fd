#include "supervise/port_leases.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <random>
#include <string>

#include "base/address.h"
#include "base/shortage.h"
#include "base/unique_fd.h"

namespace gracevisor::supervise {
namespace {

// Each test of a port gives errno's value: 0 if it is free, EADDRINUSE if it is taken, EACCES if this user
// may not have it; anything else says nothing about the port.
struct Tried {
  base::UniqueFd fd;
  int code = 0;
};

Tried reusing_socket(int family) {
  Tried tried{base::UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  int on = 1;
  bool ready = tried.fd && ::setsockopt(tried.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
  if (!ready) tried.code = errno;
  return tried;
}

template <class Sockaddr>
int bind_to(const Tried& socket, const Sockaddr& address) {
  bool bound = ::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return bound ? 0 : errno;
}

int listen_on_loopback(base::Port port) {
  Tried socket = reusing_socket(AF_INET);
  if (socket.code != 0) return socket.code;
  auto address = base::Address::tcp_loopback(port);
  if (::bind(socket.fd.get(), address.get(), address.length()) != 0) return errno;
  return ::listen(socket.fd.get(), 1) == 0 ? 0 : errno;
}

// An app may choose the wildcard address, which another process on any address of the machine would prevent.
// Bound only, never listening: no one outside can connect to the test.
int bind_everywhere(base::Port port) {
  Tried socket = reusing_socket(AF_INET6);
  sockaddr_in6 any6{};
  any6.sin6_family = AF_INET6;
  any6.sin6_port = htons(port.value());
  int off = 0;
  if (socket.code == 0 && ::setsockopt(socket.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) {
    int code = bind_to(socket, any6);
    if (code != EADDRNOTAVAIL) return code;
  } else if (base::is_shortage(socket.code)) {
    return socket.code;
  }
  // A machine without IPv6.
  socket = reusing_socket(AF_INET);
  sockaddr_in any4{};
  any4.sin_family = AF_INET;
  any4.sin_port = htons(port.value());
  return socket.code != 0 ? socket.code : bind_to(socket, any4);
}

int test(base::Port port) {
  int code = bind_everywhere(port);
  return code != 0 ? code : listen_on_loopback(port);
}

}  // namespace

PortLeases::PortLeases(config::PortRange range) : PortLeases(range, std::random_device()()) {}

PortLeases::PortLeases(config::PortRange range, std::size_t begin) : range_(range) {
  for (unsigned port = range.first.value(); port <= range.last.value(); ++port) {
    free_.emplace_back(static_cast<std::uint16_t>(port));
  }
  std::ranges::rotate(free_, free_.begin() + static_cast<std::ptrdiff_t>(begin % free_.size()));
}

base::Expected<base::Port> PortLeases::lease() {
  std::size_t forbidden = 0;
  for (std::size_t tried = 0; tried < free_.size(); ++tried) {
    base::Port port = free_.front();
    int code = test(port);
    if (code != 0 && code != EADDRINUSE && code != EACCES) {
      return base::fail_errno(
          fmt::format("cannot look for a free port in {}-{}", range_.first.value(), range_.last.value()),
          code);
    }
    free_.pop_front();
    if (code == 0) {
      leased_.insert(port);
      return port;
    }
    if (code == EACCES) ++forbidden;
    // Another process has it: tried again after all others.
    free_.push_back(port);
  }
  std::string what =
      fmt::format("no free port in {}-{}: {} leased, {} held by other programs", range_.first.value(),
                  range_.last.value(), leased_.size(), free_.size() - forbidden);
  if (forbidden != 0) what += fmt::format(", {} not permitted to this user", forbidden);
  return base::fail(what);
}

bool PortLeases::lease_again(base::Port port) {
  if (!leased_.insert(port).second) return false;
  std::erase(free_, port);
  return true;
}

void PortLeases::give_back(base::Port port) {
  [[maybe_unused]] std::size_t known = leased_.erase(port);
  assert(known == 1);
  // The range may have been another one when it was leased.
  if (port >= range_.first && port <= range_.last) free_.push_back(port);
}

}  // namespace gracevisor::supervise
