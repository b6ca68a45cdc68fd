#include "supervise/port_leases.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <random>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::supervise {
namespace {

base::UniqueFd reusing_socket(int family) {
  base::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  if (fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) fd.reset();
  return fd;
}

bool can_listen_on_loopback(base::Port port) {
  base::UniqueFd fd = reusing_socket(AF_INET);
  auto address = base::Address::tcp_loopback(port);
  return fd && ::bind(fd.get(), address.get(), address.length()) == 0 && ::listen(fd.get(), 1) == 0;
}

// An app may choose the wildcard address, which a stranger on any address of the machine prevents. Bound
// only, never listening: nobody outside can connect to the test.
bool can_bind_everywhere(base::Port port) {
  base::UniqueFd fd = reusing_socket(AF_INET6);
  sockaddr_in6 any6{};
  any6.sin6_family = AF_INET6;
  any6.sin6_port = htons(port.value());
  int off = 0;
  if (fd && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any6), sizeof any6) == 0;
  }
  // A machine without IPv6.
  fd = reusing_socket(AF_INET);
  sockaddr_in any4{};
  any4.sin_family = AF_INET;
  any4.sin_port = htons(port.value());
  return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any4), sizeof any4) == 0;
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
  for (std::size_t tried = 0; tried < free_.size(); ++tried) {
    base::Port port = free_.front();
    free_.pop_front();
    if (can_bind_everywhere(port) && can_listen_on_loopback(port)) {
      leased_.insert(port);
      return port;
    }
    // A stranger's: looked at again after all others.
    free_.push_back(port);
  }
  return base::fail(fmt::format("no free port in {}-{}: {} leased, {} held by other programs",
                                range_.first.value(), range_.last.value(), leased_.size(), free_.size()));
}

void PortLeases::give_back(base::Port port) {
  [[maybe_unused]] std::size_t known = leased_.erase(port);
  assert(known == 1);
  free_.push_back(port);
}

}  // namespace gracevisor::supervise
