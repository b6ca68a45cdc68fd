#include "supervise/listener_owner.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>

#include "supervise/socket_holders.h"
#include "supervise/tcp_listeners.h"

namespace gracevisor::supervise {
namespace {

// How well a socket fits a connection to 127.0.0.1; the kernel gives the connection to the best. 0: never.
int fit_for_loopback(const TcpListener& listener) {
  if (listener.address.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, listener.address.get(), sizeof in);
    if (in.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) return 4;
    return in.sin_addr.s_addr == htonl(INADDR_ANY) ? 2 : 0;
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, listener.address.get(), sizeof in6);
  if (IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr)) return listener.v6_only ? 0 : 1;
  in_addr mapped{};
  if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) return 0;
  std::memcpy(&mapped, &in6.sin6_addr.s6_addr[12], sizeof mapped);
  return mapped.s_addr == htonl(INADDR_LOOPBACK) ? 3 : 0;
}

// The sockets that a connection to 127.0.0.1:port can reach: several only with SO_REUSEPORT.
std::vector<TcpListener> answering(const std::vector<TcpListener>& all, base::Port port) {
  int best = 1;
  std::vector<TcpListener> result;
  for (const TcpListener& listener : all) {
    if (listener.address.port() != port) continue;
    int fit = fit_for_loopback(listener);
    if (fit > best) result.clear();
    if (fit >= best) result.push_back(listener);
    best = std::max(best, fit);
  }
  return result;
}

bool all_held(std::span<const TcpListener> listeners, const SocketSet& held) {
  return std::ranges::all_of(listeners,
                             [&](const TcpListener& listener) { return held.contains(listener.inode); });
}

std::vector<std::string> addresses_held(std::span<const TcpListener> listeners, const SocketSet& held) {
  std::set<std::string> addresses;
  for (const TcpListener& listener : listeners) {
    if (held.contains(listener.inode)) addresses.insert(listener.address.text());
  }
  return {addresses.begin(), addresses.end()};
}

// A process that exists but that /proc does not show (hidepid).
bool hidden(base::Pid pid) {
  bool exists = ::kill(pid.value(), 0) == 0 || errno == EPERM;
  return exists && ::access(fmt::format("/proc/{}/stat", pid.value()).c_str(), R_OK) != 0;
}

std::string foreign_detail(const ProcessTable& table, base::Port port, const TcpListener& listener) {
  auto holder = table.holder_of(listener.inode);
  if (!holder) return fmt::format("port {} is held by another process", port.value());
  return fmt::format("port {} is held by pid {} ({})", port.value(), holder->pid.value(), holder->name);
}

}  // namespace

ListenerOwner find_listener_owner(base::Port port, base::Pid pid) {
  auto all = tcp_listeners();
  if (!all) return {Ownership::unknown, all.error().what, {}};
  std::vector<TcpListener> candidates = answering(*all, port);
  // The usual case: the main process itself listens.
  if (!candidates.empty() && all_held(candidates, sockets_of(pid).inodes)) return {Ownership::own, {}, {}};

  ProcessTable table = ProcessTable::read();
  HeldSockets held = table.sockets_of_instance(pid);
  if (!candidates.empty() && all_held(candidates, held.inodes)) return {Ownership::own, {}, {}};
  ListenerOwner result;
  result.elsewhere = addresses_held(*all, held.inodes);
  if (candidates.empty()) {
    result.ownership = Ownership::nobody;
    result.detail = fmt::format("nothing listens on 127.0.0.1:{}", port.value());
  } else if (!held.complete || hidden(pid)) {
    result.ownership = Ownership::unknown;
    result.detail = fmt::format("the descriptors of pid {} cannot be read", pid.value());
  } else {
    auto stranger = std::ranges::find_if(
        candidates, [&](const TcpListener& listener) { return !held.inodes.contains(listener.inode); });
    result.ownership = Ownership::foreign;
    result.detail = foreign_detail(table, port, *stranger);
  }
  return result;
}

}  // namespace gracevisor::supervise
