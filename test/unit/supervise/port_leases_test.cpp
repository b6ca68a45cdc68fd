#include "supervise/port_leases.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>

#include "base/address.h"
#include "base/unique_fd.h"
#include "support/scarce.h"

using namespace gracevisor;
using namespace gracevisor::supervise;
using base::Port;

namespace {

base::UniqueFd listen_on(const std::string& text) {
  auto address = base::Address::parse(text);
  if (!address) return {};
  base::UniqueFd fd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), address->get(), address->length()) != 0 || ::listen(fd.get(), 1) != 0)
    return {};
  return fd;
}

std::string on(const char* host, Port port) {
  return std::string(host) + ":" + std::to_string(port.value());
}

// `count` ports in a row that nobody uses.
config::PortRange free_range(unsigned count) {
  auto start = static_cast<unsigned>(12000 + ::getpid() % 4000);
  for (unsigned first = start; first < 19000; ++first) {
    unsigned good = 0;
    while (good < count && listen_on("*:" + std::to_string(first + good))) ++good;
    if (good == count) {
      return {Port(static_cast<std::uint16_t>(first)), Port(static_cast<std::uint16_t>(first + count - 1))};
    }
  }
  FAIL("no free ports on this machine");
  return {};
}

Port plus(Port port, unsigned n) {
  return Port(static_cast<std::uint16_t>(port.value() + n));
}

}  // namespace

TEST_CASE("port leases: each port is leased once, and an exhausted range says so") {
  auto range = free_range(3);
  PortLeases leases(range);
  std::set<Port> given;
  for (int i = 0; i < 3; ++i) {
    auto port = leases.lease();
    REQUIRE(port.has_value());
    CHECK(*port >= range.first);
    CHECK(*port <= range.last);
    given.insert(*port);
  }
  CHECK(given.size() == 3);
  CHECK(leases.leased() == 3);
  auto none = leases.lease();
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().what == "no free port in " + std::to_string(range.first.value()) + "-" +
                                 std::to_string(range.last.value()) + ": 3 leased, 0 held by other programs");
}

TEST_CASE("port leases: the least recently freed port comes first") {
  auto range = free_range(3);
  PortLeases leases(range, 0);
  Port a = *leases.lease();
  Port b = *leases.lease();
  leases.give_back(b);
  leases.give_back(a);
  CHECK(leases.leased() == 0);
  Port c = *leases.lease();
  CHECK(c == plus(range.first, 2));
  CHECK(*leases.lease() == b);
  CHECK(*leases.lease() == a);
}

TEST_CASE("port leases: a stranger's port is passed over until it is free, on whatever address it listens") {
  auto range = free_range(2);
  for (const char* host : {"127.0.0.1", "0.0.0.0", "*", "[::1]"}) {
    CAPTURE(host);
    PortLeases leases(range, 0);
    auto stranger = listen_on(on(host, range.first));
    if (!stranger) continue;  // a machine without IPv6
    auto port = leases.lease();
    REQUIRE(port.has_value());
    CHECK(*port == range.last);
    auto none = leases.lease();
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().what.ends_with(": 1 leased, 1 held by other programs"));
    stranger.reset();
    auto again = leases.lease();
    REQUIRE(again.has_value());
    CHECK(*again == range.first);
  }
}

TEST_CASE("port leases: the socket of the test is closed again") {
  PortLeases leases(free_range(1));
  auto port = leases.lease();
  REQUIRE(port.has_value());
  CHECK(listen_on(on("127.0.0.1", *port)));
}

TEST_CASE("port leases: a range that ends at the last port there is ends") {
  PortLeases leases({Port(65535), Port(65535)});
  auto port = leases.lease();
  if (port) CHECK(*port == Port(65535));
  CHECK_FALSE(leases.lease().has_value());
}

TEST_CASE("port leases: without a descriptor the cause is said and no port is taken for somebody else's") {
  auto range = free_range(2);
  PortLeases leases(range);
  for (unsigned left : {0U, 1U}) {
    CAPTURE(left);
    base::Expected<Port> port;
    {
      // One is enough: each test of a port takes one at a time.
      test::Scarce scarce(left);
      port = leases.lease();
    }
    CHECK(port.has_value() == (left == 1));
    if (port) continue;
    CHECK(port.error().code == EMFILE);
    CHECK(port.error().what.starts_with("cannot look for a free port in "));
    CHECK(port.error().what.ends_with("Too many open files (EMFILE)"));
  }
  CHECK(leases.leased() == 1);
}

TEST_CASE("port leases: they begin at a place of the range and go round") {
  auto range = free_range(3);
  for (std::size_t begin : {1U, 4U}) {
    PortLeases leases(range, begin);
    CHECK(*leases.lease() == plus(range.first, 1));
    CHECK(*leases.lease() == plus(range.first, 2));
    CHECK(*leases.lease() == range.first);
  }
}

TEST_CASE("port leases: two daemons on one range begin at different places") {
  config::PortRange range{Port(20000), Port(29999)};
  std::set<Port> first;
  for (int i = 0; i < 10; ++i) {
    auto port = PortLeases(range).lease();
    REQUIRE(port.has_value());
    first.insert(*port);
  }
  CHECK(first.size() >= 5);
}
