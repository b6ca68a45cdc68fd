#include "inspect/listener_owner.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

#include "base/one_line.h"
#include "inspect/socket_holders.h"
#include "inspect/tcp_listeners.h"
#include "inspect/unix_listeners.h"

namespace gracevisor::inspect {
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

// Those sockets of one port that a connection to it on 127.0.0.1 can reach: several only with SO_REUSEPORT.
std::vector<TcpListener> answering(const std::vector<TcpListener>& of_port) {
  int best = 1;
  std::vector<TcpListener> result;
  for (const TcpListener& listener : of_port) {
    int fit = fit_for_loopback(listener);
    if (fit > best) result.clear();
    if (fit >= best) result.push_back(listener);
    best = std::max(best, fit);
  }
  return result;
}

// A process chooses its own name; the kernel keeps 15 bytes of it.
constexpr std::size_t kMostOfAName = 16;

using Inodes = std::vector<ino_t>;

template <class Listener>
Inodes inodes_of(const std::vector<Listener>& listeners) {
  Inodes result;
  std::ranges::transform(listeners, std::back_inserter(result), &Listener::inode);
  return result;
}

bool all_held(const Inodes& inodes, const SocketSet& held) {
  return std::ranges::all_of(inodes, [&](ino_t inode) { return held.contains(inode); });
}

void add_held(const std::vector<TcpListener>& listeners, const SocketSet& held, std::set<std::string>& into) {
  for (const TcpListener& listener : listeners) {
    if (held.contains(listener.inode)) into.insert(listener.address.text());
  }
}
void add_held(const std::vector<UnixListener>& listeners, const SocketSet& held,
              std::set<std::string>& into) {
  for (const UnixListener& listener : listeners) {
    if (held.contains(listener.inode)) into.insert("unix:" + listener.path);
  }
}

// A process that exists but that /proc does not show (hidepid).
bool hidden(base::Pid pid) {
  bool exists = ::kill(pid.value(), 0) == 0 || errno == EPERM;
  return exists && ::access(fmt::format("/proc/{}/stat", pid.value()).c_str(), R_OK) != 0;
}

// `candidates` are the sockets that a connection to `place` can reach; `add_elsewhere` adds the addresses on
// which the instance's sockets listen. It is called only when the candidates are not the instance's own.
template <class AddElsewhere>
ListenerOwner judge(const std::string& place, const Inodes& candidates, base::Pid pid,
                    const AddElsewhere& add_elsewhere) {
  // The usual case: the main process itself listens.
  if (!candidates.empty() && all_held(candidates, sockets_of(pid).inodes)) return {Ownership::own, {}, {}};

  ProcessTable table = read_process_table();
  HeldSockets held = sockets_of_instance(table, pid);
  if (!candidates.empty() && all_held(candidates, held.inodes)) return {Ownership::own, {}, {}};
  ListenerOwner result;
  std::set<std::string> elsewhere;
  add_elsewhere(held.inodes, elsewhere);
  result.elsewhere.assign(elsewhere.begin(), elsewhere.end());
  if (candidates.empty()) {
    result.ownership = Ownership::nobody;
  } else if (!held.complete || hidden(pid)) {
    result.ownership = Ownership::unknown;
    result.detail = fmt::format("the descriptors of pid {} cannot be read", pid.value());
  } else {
    result.ownership = Ownership::foreign;
    auto stranger =
        std::ranges::find_if(candidates, [&](ino_t inode) { return !held.inodes.contains(inode); });
    auto holder = holder_of(table, *stranger);
    result.detail = holder ? fmt::format("{} is held by pid {} ({})", place, holder->pid.value(),
                                         base::one_line(holder->name, kMostOfAName))
                           : place + " is held by another process";
  }
  return result;
}

}  // namespace

std::string find_port_holder(const std::vector<base::Port>& ports) {
  for (base::Port port : ports) {
    const auto listeners = tcp_listeners(port);
    if (!listeners || listeners->empty()) continue;
    const auto holder = holder_of(read_process_table(), listeners->front().inode);
    if (!holder) return fmt::format("port {} is held by another process", port.value());
    return fmt::format("port {} is held by pid {} ({})", port.value(), holder->pid.value(),
                       base::one_line(holder->name, kMostOfAName));
  }
  return {};
}

ListenerOwner find_listener_owner(base::Port port, base::Pid pid) {
  auto of_port = tcp_listeners(port);
  if (!of_port) return {Ownership::unknown, of_port.error().what, {}};
  auto result = judge(fmt::format("port {}", port.value()), inodes_of(answering(*of_port)), pid,
                      [](const SocketSet& held, auto& into) {
                        if (auto all = tcp_listeners()) add_held(*all, held, into);
                      });
  if (result.ownership == Ownership::nobody) {
    result.detail = fmt::format("nothing listens on 127.0.0.1:{}", port.value());
  }
  return result;
}

ListenerOwner find_listener_owner(const std::filesystem::path& socket, base::Pid pid) {
  auto all = unix_listeners();
  if (!all) return {Ownership::unknown, all.error().what, {}};
  auto result = judge(socket.string(), inodes_of(listeners_at(socket, *all)), pid,
                      [&](const SocketSet& held, auto& into) {
                        add_held(*all, held, into);
                        // An app that does not know of its socket listens on a port of its own choice.
                        if (auto ports = tcp_listeners()) add_held(*ports, held, into);
                      });
  if (result.ownership == Ownership::nobody) result.detail = "nothing listens on " + socket.string();
  return result;
}

ListenerOwner find_passed_listener(const std::filesystem::path& socket, base::Pid pid) {
  ListenerOwner result{Ownership::own, {}, {}};
  const auto all = unix_listeners();
  if (!all) return result;
  const std::vector<UnixListener> passed = listeners_at(socket, *all);
  const auto unaccepted = [](const UnixListener& listener) { return listener.waiting > 0; };
  if (std::ranges::any_of(passed, unaccepted)) {
    result.detail = "connected, but nobody accepted: does the app take LISTEN_FDS?";
  }
  HeldSockets held = sockets_of_instance(read_process_table(), pid);
  for (const UnixListener& listener : passed) held.inodes.erase(listener.inode);
  std::set<std::string> elsewhere;
  add_held(*all, held.inodes, elsewhere);
  if (const auto ports = tcp_listeners()) add_held(*ports, held.inodes, elsewhere);
  result.elsewhere.assign(elsewhere.begin(), elsewhere.end());
  return result;
}

ListenerOwner find_listener_owner(const base::Address& address, base::Pid pid) {
  if (!address.is_unix()) return find_listener_owner(address.port(), pid);
  return find_listener_owner(std::filesystem::path(address.text().substr(5)), pid);
}

}  // namespace gracevisor::inspect
