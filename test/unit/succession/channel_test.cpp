// What two daemons tell each other arrives as it was, or not at all.
#include "succession/channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "keeper/wire.h"

namespace gracevisor::succession {
namespace {

const InstanceName kWeb{"web", 43, 2, 7};

struct Ends {
  Ends() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    here.emplace(base::UniqueFd(ends[0]));
    there.emplace(base::UniqueFd(ends[1]));
  }
  void send_raw(std::string_view bytes, const int* fds = nullptr, std::size_t count = 0) const {
    REQUIRE(keeper::send_bytes(here->fd(), bytes.data(), bytes.size(), fds, count) == 0);
  }
  std::optional<Channel> here;
  std::optional<Channel> there;
};

// What arrives of it at the other end.
template <class T>
T passed(const T& message) {
  Ends ends;
  auto sent = ends.here->send(message);
  REQUIRE_MESSAGE(sent.has_value(), sent.error().what);
  auto got = ends.there->next();
  REQUIRE(got.has_value());
  REQUIRE(std::holds_alternative<T>(*got));
  CHECK_FALSE(ends.there->next().has_value());
  CHECK_FALSE(ends.there->ended());
  return std::get<T>(std::move(*got));
}

Routes some_routes() {
  Routes routes;
  routes.serial = 9;
  routes.listeners = {"127.0.0.1:80", "unix:/run/web.sock"};
  routes.apps.push_back({.name = "web",
                         .mode = "live",
                         .generation = 43,
                         .targets = {{kWeb, "127.0.0.1:21004", 1001}},
                         .leaving = {{{"web", 42, 1, 3}, true}, {{"web", 42, 2, 1}, false}}});
  routes.apps.push_back({.name = "idle", .mode = "stopped", .generation = 0, .targets = {}, .leaving = {}});
  return routes;
}

TEST_CASE("succession channel: each kind of message arrives as it was") {
  const Said said{std::string("cannot listen\n\xff\0x", 17)};
  CHECK(passed(said) == said);
  const Reattached up{"1.4.0", 3, 7, 4};
  CHECK(passed(up) == up);
  CHECK(passed(Accepting{}) == Accepting{});
  CHECK(passed(some_routes()) == some_routes());
  const InUse use{9, {kWeb, {"web", 42, 1, 3}}, 12, 3};
  CHECK(passed(use) == use);
  const OutputRead read{{{kWeb, std::string("half\0a l\xffine", 12), ""}}};
  CHECK(passed(read) == read);
}

TEST_CASE("succession channel: a message that fits no record travels in a file") {
  Routes routes = some_routes();
  for (std::uint64_t i = 0; i < 5000; ++i)
    routes.apps.front().targets.push_back({{"web", 43, i, 1}, "127.0.0.1:21004", 0});
  CHECK(passed(routes) == routes);
  const OutputRead read{{{kWeb, std::string(std::size_t{64} << 10, 'x'), ""}}};
  CHECK(passed(read) == read);
}

TEST_CASE("succession channel: the clients' socket comes with its message") {
  Ends ends;
  int clients[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, clients) == 0);
  const base::UniqueFd mine(clients[1]);
  REQUIRE(ends.here->send(Clients{base::UniqueFd(clients[0]), 4711, "1.3.0"}).has_value());
  auto got = ends.there->next();
  REQUIRE(got.has_value());
  const auto& arrived = std::get<Clients>(*got);
  CHECK(arrived.pid == 4711);
  CHECK(arrived.version == "1.3.0");
  REQUIRE(::write(arrived.socket.get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(mine.get(), &byte, 1) == 1);
}

TEST_CASE("succession channel: what makes no sense is skipped, and what follows arrives") {
  Ends ends;
  base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const int fds[] = {null.get()};
  ends.send_raw("x");
  ends.send_raw("w");
  ends.send_raw(std::string("w\xff\xff\xff", 4));
  ends.send_raw(std::string("w\xa1\x64kind\x63new", 10));  // of a later version
  ends.send_raw("f");                                      // no file
  ends.send_raw("f", fds, 1);                              // no regular one
  ends.send_raw(std::string(600, 'w'));
  ends.send_raw(std::string("w\xa1\x64kind\x67") + "clients");  // no socket
  // A field of the wrong kind.
  ends.send_raw(std::string("w\xa2\x64kind\x66in-use\x66routes\x61x", 24));
  REQUIRE(ends.here->send(Accepting{}).has_value());
  auto got = ends.there->next();
  REQUIRE(got.has_value());
  CHECK(std::holds_alternative<Accepting>(*got));
}

TEST_CASE("succession channel: the end of the other daemon is told, behind what it said last") {
  Ends ends;
  REQUIRE(ends.here->send(Accepting{}).has_value());
  ends.here.reset();
  CHECK(ends.there->next().has_value());
  CHECK_FALSE(ends.there->ended());
  CHECK_FALSE(ends.there->next().has_value());
  CHECK(ends.there->ended());
  const auto sent = ends.there->send(Accepting{});
  REQUIRE_FALSE(sent.has_value());
  CHECK_FALSE(may_pass(sent.error().code));
}

TEST_CASE("succession channel: a reader that is slow is a reason to try again") {
  Ends ends;
  base::Expected<void> sent;
  for (int i = 0; i < 10'000 && sent; ++i) sent = ends.here->send(some_routes());
  REQUIRE_FALSE(sent.has_value());
  CHECK(may_pass(sent.error().code));
}

}  // namespace
}  // namespace gracevisor::succession
