#include "loop/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "loop/listening_socket.h"
#include "stream_fixture.h"
#include "support/loop/quiet.h"
#include "support/scarce.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::test;
using base::Address;
using loop::Listener;

namespace {

struct Fixture {
  Fixture() {
    auto opened = loop::open_listening_sockets(*Address::parse("127.0.0.1:0"), 1);
    REQUIRE(opened.has_value());
    address = opened->address;
    auto created = Listener::create(*loop, std::move(opened->sockets[0]), [this](loop::Accepted connection) {
      accepted.push_back(std::move(connection));
    });
    REQUIRE(created.has_value());
    listener = std::move(*created);
  }
  ~Fixture() {
    listener.reset();
    CHECK(loop->close() == 0);
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void connect(int count) {
    for (int i = 0; i < count; ++i) {
      base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(::connect(client.get(), address.get(), address.length()) == 0);
      clients.push_back(std::move(client));
    }
  }

  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  Address address;
  std::vector<loop::Accepted> accepted;
  std::vector<base::UniqueFd> clients;
  std::unique_ptr<Listener> listener;
};

Address own_address(const base::UniqueFd& socket) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) == 0);
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&own), length);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "listener: connections arrive non-blocking, close-on-exec and with their address") {
  connect(3);
  REQUIRE(run_until(*loop, [&] { return accepted.size() == 3; }));
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    const auto& [socket, peer] = accepted[i];
    CHECK((::fcntl(socket.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(::fcntl(socket.get(), F_GETFD) == FD_CLOEXEC);
    CHECK(peer == own_address(clients[i]));
  }
}

TEST_CASE("listener: who comes through a Unix socket has no address but a text") {
  TempFolder folder;
  auto loop = std::move(*loop::Loop::create());
  auto address = Address::unix_path((folder / "s").string());
  REQUIRE(address.has_value());
  auto opened = loop::open_listening_sockets(*address, 1);
  REQUIRE(opened.has_value());
  std::vector<loop::Accepted> accepted;
  auto listener = Listener::create(*loop, std::move(opened->sockets[0]), [&](loop::Accepted connection) {
    accepted.push_back(std::move(connection));
  });
  REQUIRE(listener.has_value());
  base::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(client.get(), address->get(), address->length()) == 0);
  REQUIRE(run_until(*loop, [&] { return accepted.size() == 1; }));
  CHECK(accepted[0].peer.is_unix());
  CHECK(accepted[0].peer.text() == "unix:");
  listener->reset();
  CHECK(loop->close() == 0);
}

TEST_CASE_FIXTURE(Fixture, "listener: a burst is accepted over several turns, a bounded number in each") {
  connect(100);
  std::size_t most = 0;
  REQUIRE(run_until(*loop, [&, before = std::size_t(0)]() mutable {
    most = std::max(most, accepted.size() - before);
    before = accepted.size();
    return accepted.size() == 100;
  }));
  CHECK(most < 100);
}

TEST_CASE_FIXTURE(Fixture, "listener: accept_all leaves nobody in the backlog") {
  connect(100);
  listener->accept_all();
  CHECK(accepted.size() == 100);
  listener->accept_all();
  CHECK(accepted.size() == 100);
}

TEST_CASE_FIXTURE(Fixture, "listener: without descriptors it pauses, and goes on when there are some again") {
  connect(2);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  base::UniqueFd next(::dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get());
  next.reset();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  loop->run_once(false);
  // Paused: nothing is ready, so that a turn without waiting does nothing, however often.
  for (int i = 0; i < 100; ++i) loop->run_once(false);
  std::size_t accepted_meanwhile = accepted.size();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(accepted_meanwhile == 0);
  REQUIRE(run_until(*loop, [&] { return accepted.size() == 2; }));
}

TEST_CASE_FIXTURE(Fixture,
                  "listener: an owner that gives a descriptor up has the connection accepted at once") {
  listener.reset();
  auto opened = loop::open_listening_sockets(address, 1);
  REQUIRE(opened.has_value());
  address = opened->address;
  std::vector<int> told;
  base::UniqueFd spare(::dup(0));
  auto created = Listener::create(
      *loop, std::move(opened->sockets[0]),
      [&](loop::Accepted connection) { accepted.push_back(std::move(connection)); },
      [&](int code) {
        told.push_back(code);
        bool given = static_cast<bool>(spare);
        spare.reset();
        return given;
      });
  REQUIRE(created.has_value());
  listener = std::move(*created);
  connect(2);
  {
    test::Scarce none;
    loop->run_once(false);
    loop->run_once(false);
    CHECK(accepted.size() == 1);
    CHECK(told.size() == 2);
    CHECK(told.front() == EMFILE);
  }
  REQUIRE(run_until(*loop, [&] { return accepted.size() == 2; }));
}

TEST_CASE("listener: once destroyed it leaves what waits to another that has the socket") {
  auto loop = std::move(*loop::Loop::create());
  auto opened = loop::open_listening_sockets(*Address::parse("127.0.0.1:0"), 1);
  REQUIRE(opened.has_value());
  auto other = base::duplicate(opened->sockets[0].get());
  REQUIRE(other.has_value());
  {
    auto listener = Listener::create(*loop, std::move(opened->sockets[0]),
                                     [](const loop::Accepted&) { FAIL_CHECK("accepted"); });
    REQUIRE(listener.has_value());
    base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), opened->address.get(), opened->address.length()) == 0);
    listener->reset();
    // The loop frees the handles, and is not woken by who waits.
    loop->run_once(false);
    loop->run_once(false);
    CHECK_FALSE(has_work(*loop));
    base::UniqueFd connection(::accept4(other->get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(connection);
    send_all(client.get(), "x");
    CHECK(receive(connection.get(), 1) == "x");
  }
  CHECK(loop->close() == 0);
}

TEST_CASE_FIXTURE(Fixture, "listener: once destroyed it refuses") {
  listener.reset();
  base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(::connect(client.get(), address.get(), address.length()) == -1);
  CHECK(errno == ECONNREFUSED);
}
