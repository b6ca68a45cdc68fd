#include "stream_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::test {
namespace {

// Small buffers, so that little is much; the receive buffer before the connection, which settles its window.
void limit_buffer(const base::UniqueFd& fd, int which) {
  int size = 65536;
  REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, which, &size, sizeof size) == 0);
}

}  // namespace

Listening listen_on_loopback(int backlog) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto any_port = base::Address::tcp_loopback(base::Port(0));
  REQUIRE(::bind(fd.get(), any_port.get(), any_port.length()) == 0);
  REQUIRE(::listen(fd.get(), backlog) == 0);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) == 0);
  return {std::move(fd), base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), length)};
}

Sockets connected_sockets(Kind kind) {
  Sockets sockets;
  if (kind == Kind::unix_socket) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    sockets = {base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
  } else {
    Listening listening = listen_on_loopback();
    sockets.peer = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    limit_buffer(sockets.peer, SO_RCVBUF);
    REQUIRE(::connect(sockets.peer.get(), listening.address.get(), listening.address.length()) == 0);
    sockets.ours = base::UniqueFd(::accept4(listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  limit_buffer(sockets.ours, SO_SNDBUF);
  REQUIRE(base::set_nonblocking(sockets.ours.get()).has_value());
  return sockets;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REQUIRE(n > 0);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string receive(int fd, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    ssize_t n = ::recv(fd, bytes.data() + have, count - have, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

int read_result(int fd) {
  char byte = 0;
  ssize_t n = ::recv(fd, &byte, 1, 0);
  return n < 0 ? -errno : static_cast<int>(n);
}

}  // namespace gracevisor::test
