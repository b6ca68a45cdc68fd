#include "loop/listening_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::loop {
namespace {

using base::Expected;
using base::UniqueFd;

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Accepted connections inherit these: no system call per connection. A peer that vanished silently is
// detected after two minutes, even if nothing is being sent to it because the app is silent.
bool set_for_accepted(int listening) {
  constexpr int kIdleSeconds = 60;
  constexpr int kIntervalSeconds = 10;
  constexpr int kProbes = 6;
  return set_option(listening, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_option(listening, SOL_SOCKET, SO_KEEPALIVE, 1) &&
         set_option(listening, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds) &&
         set_option(listening, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds) &&
         set_option(listening, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

Expected<UniqueFd> make_socket(const base::Address& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("cannot create a socket for " + address.text(), errno);
  return fd;
}

// `join` sets SO_REUSEPORT before bind (a further socket of the group); otherwise after it (the first one).
Expected<UniqueFd> bind_tcp(const base::Address& address, bool join) {
  auto fd = make_socket(address);
  if (!fd) return fd;
  auto failed = [&] { return base::fail_errno("cannot listen on " + address.text(), errno); };
  if (!set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed();
  if (address.family() == AF_INET6 &&
      !set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, address.dual_stack() ? 0 : 1)) {
    return failed();
  }
  if (join && !set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1)) return failed();
  if (::bind(fd->get(), address.get(), address.length()) != 0) return failed();
  if (!join && !set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1)) return failed();
  return fd;
}

Expected<UniqueFd> open_tcp(const base::Address& address, bool join) {
  auto fd = bind_tcp(address, join);
  if (!fd) return fd;
  if (set_for_accepted(fd->get()) && ::listen(fd->get(), kBacklog) == 0) return fd;
  return base::fail_errno("cannot listen on " + address.text(), errno);
}

// A socket's file without a listener: only then may it be removed. Any other answer, such as a full backlog
// or a refused permission, means there is a listener; a file of another kind is not ours to remove.
bool is_stale(const base::Address& address, const std::string& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISSOCK(st.st_mode)) return false;
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), address.get(), address.length()) != 0 && errno == ECONNREFUSED;
}

Expected<UniqueFd> open_unix(const base::Address& address) {
  auto fd = make_socket(address);
  if (!fd) return fd;
  std::string path = address.text().substr(5);
  auto failed = [&](int code) { return base::fail_errno("cannot listen on " + address.text(), code); };
  if (::bind(fd->get(), address.get(), address.length()) != 0) {
    int code = errno;
    if (code != EADDRINUSE || !is_stale(address, path)) return failed(code);
    if (::unlink(path.c_str()) != 0 || ::bind(fd->get(), address.get(), address.length()) != 0) {
      return failed(errno);
    }
  }
  if (::listen(fd->get(), kBacklog) != 0) return failed(errno);
  return fd;
}

}  // namespace

// Beside sockets of ours it may bind; beside a stranger's it may not.
Expected<void> could_listen(const base::Address& address) {
  if (address.is_unix()) return {};
  auto fd = bind_tcp(address, true);
  if (!fd) return std::unexpected(fd.error());
  return {};
}

Expected<base::Address> listening_address(int socket) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return base::fail_errno("cannot read the address of a listening socket", errno);
  }
  return base::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), length);
}

Expected<ListeningSockets> use_listening_sockets(const base::Address& address, std::size_t workers,
                                                 std::vector<UniqueFd> sockets) {
  ListeningSockets result{address, std::move(sockets)};
  for (const UniqueFd& socket : result.sockets) {
    int listens = 0;
    socklen_t size = sizeof listens;
    auto bound = listening_address(socket.get());
    if (!bound) return std::unexpected(bound.error());
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
        bound->family() != address.family()) {
      return base::fail_errno("what was kept of " + address.text() + " does not listen there", EBADF);
    }
    if (auto set = base::set_nonblocking(socket.get()); !set) return std::unexpected(set.error());
    if (!address.is_unix()) result.address = address.with_port(bound->port());
  }
  while (address.is_unix() && result.sockets.size() < workers) {
    auto next = base::duplicate(result.sockets.front().get());
    if (!next) return std::unexpected(next.error());
    result.sockets.push_back(std::move(*next));
  }
  return result;
}

Expected<ListeningSockets> open_listening_sockets(const base::Address& address, std::size_t workers,
                                                  ListeningGroup group) {
  ListeningSockets result{address, {}};
  auto first = address.is_unix() ? open_unix(address) : open_tcp(address, group == ListeningGroup::joined);
  if (!first) return std::unexpected(first.error());
  if (!address.is_unix()) {
    auto bound = listening_address(first->get());
    if (!bound) return std::unexpected(bound.error());
    result.address = address.with_port(bound->port());
  }
  result.sockets.push_back(std::move(*first));
  while (result.sockets.size() < workers) {
    auto next =
        address.is_unix() ? base::duplicate(result.sockets.front().get()) : open_tcp(result.address, true);
    if (!next) return std::unexpected(next.error());
    result.sockets.push_back(std::move(*next));
  }
  return result;
}

}  // namespace gracevisor::loop
