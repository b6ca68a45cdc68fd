#include "loop/listening_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string>

#include "stream_fixture.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::test;
using base::Address;
using loop::open_listening_sockets;

namespace {

int connect_to(const Address& address, base::UniqueFd& fd) {
  fd = base::UniqueFd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), address.get(), address.length()) == 0 ? 0 : errno;
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  CHECK(::getsockopt(fd, level, name, &value, &length) == 0);
  return value;
}

}  // namespace

TEST_CASE("listening socket: port 0 becomes a real port that all workers' sockets share") {
  auto opened = open_listening_sockets(*Address::parse("127.0.0.1:0"), 3);
  REQUIRE(opened.has_value());
  CHECK(opened->address.port() != base::Port(0));
  REQUIRE(opened->sockets.size() == 3);
  std::set<int> numbers;
  for (const auto& socket : opened->sockets) {
    numbers.insert(socket.get());
    CHECK(::fcntl(socket.get(), F_GETFD) == FD_CLOEXEC);
    CHECK((::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(option(socket.get(), SOL_SOCKET, SO_ACCEPTCONN) == 1);
  }
  CHECK(numbers.size() == 3);
  // With distinct sockets the kernel spreads connections: each arrives at exactly one.
  constexpr int kConnections = 60;
  std::vector<base::UniqueFd> clients(kConnections);
  for (auto& client : clients) REQUIRE(connect_to(opened->address, client) == 0);
  int accepted = 0;
  int sockets_used = 0;
  for (const auto& socket : opened->sockets) {
    int here = 0;
    for (;;) {
      base::UniqueFd connection(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) break;
      CHECK(option(connection.get(), IPPROTO_TCP, TCP_NODELAY) == 1);
      ++here;
    }
    accepted += here;
    sockets_used += here > 0 ? 1 : 0;
  }
  CHECK(accepted == kConnections);
  CHECK(sockets_used == 3);
}

TEST_CASE("listening socket: an address that is taken is an error, also when taken by ourselves") {
  auto first = open_listening_sockets(*Address::parse("127.0.0.1:0"), 2);
  REQUIRE(first.has_value());
  auto second = open_listening_sockets(first->address, 2);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == EADDRINUSE);
  CHECK(second.error().what == "cannot listen on " + first->address.text() + ": Address already in use");
  Address taken = first->address;
  first->sockets.clear();
  CHECK(open_listening_sockets(taken, 1).has_value());
}

TEST_CASE("listening socket: an address of another machine is an error") {
  auto opened = open_listening_sockets(*Address::parse("192.0.2.1:0"), 1);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == EADDRNOTAVAIL);
}

TEST_CASE("listening socket: the star takes both families, the IPv6 wildcard only its own") {
  auto both = open_listening_sockets(*Address::parse("*:0"), 1);
  if (!both) return;  // a machine without IPv6
  CHECK(both->address.text() == "*:" + std::to_string(both->address.port().value()));
  base::UniqueFd client;
  CHECK(connect_to(Address::tcp_loopback(both->address.port()), client) == 0);
  auto six = open_listening_sockets(*Address::parse("[::]:0"), 1);
  REQUIRE(six.has_value());
  CHECK(connect_to(Address::tcp_loopback(six->address.port()), client) == ECONNREFUSED);
  CHECK(connect_to(Address::parse("[::1]:0")->with_port(six->address.port()), client) == 0);
}

TEST_CASE("listening socket: a Unix address is one socket with a duplicate per worker") {
  TempFolder folder;
  auto address = *Address::unix_path((folder / "s").string());
  auto opened = open_listening_sockets(address, 3);
  REQUIRE(opened.has_value());
  CHECK(opened->address == address);
  REQUIRE(opened->sockets.size() == 3);
  base::UniqueFd client;
  CHECK(connect_to(address, client) == 0);
  CHECK(base::UniqueFd(::accept4(opened->sockets[2].get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

TEST_CASE("listening socket: a stale Unix socket is taken over, a living one is not") {
  TempFolder folder;
  auto address = *Address::unix_path((folder / "s").string());
  auto first = open_listening_sockets(address, 1);
  REQUIRE(first.has_value());
  auto second = open_listening_sockets(address, 1);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == EADDRINUSE);
  first->sockets.clear();
  REQUIRE(std::filesystem::exists(folder / "s"));
  auto third = open_listening_sockets(address, 1);
  REQUIRE(third.has_value());
  base::UniqueFd client;
  CHECK(connect_to(address, client) == 0);
}

TEST_CASE("listening socket: accepted connections notice a peer that has vanished") {
  auto opened = open_listening_sockets(Address::tcp_loopback(base::Port(0)), 1);
  REQUIRE(opened.has_value());
  base::UniqueFd client;
  REQUIRE(connect_to(opened->address, client) == 0);
  base::UniqueFd accepted(::accept4(opened->sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  int value = 0;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(accepted.get(), SOL_SOCKET, SO_KEEPALIVE, &value, &length) == 0);
  CHECK(value == 1);
  REQUIRE(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_KEEPIDLE, &value, &length) == 0);
  CHECK(value == 60);
}

TEST_CASE("listening socket: a file that is no socket is never removed") {
  TempFolder folder;
  put_content(folder / "precious", "content");
  auto opened = open_listening_sockets(*Address::unix_path((folder / "precious").string()), 1);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == EADDRINUSE);
  CHECK(content_of(folder / "precious") == "content");
}

TEST_CASE("listening socket: the error of a Unix address is the real one") {
  TempFolder folder;
  auto opened = open_listening_sockets(*Address::unix_path((folder / "missing/s").string()), 1);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == ENOENT);
}
