#include "base/address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <string>

using gracevisor::base::Address;
using gracevisor::base::Port;

TEST_CASE("address: what can be parsed reads back as written") {
  struct Row {
    const char* text;
    int family;
    unsigned port;
    const char* host;
    bool dual_stack;
  };
  for (const Row& row : {
           Row{"127.0.0.1:80", AF_INET, 80, "127.0.0.1", false},
           Row{"0.0.0.0:65535", AF_INET, 65535, "0.0.0.0", false},
           Row{"10.1.2.3:0", AF_INET, 0, "10.1.2.3", false},
           Row{"[::1]:8080", AF_INET6, 8080, "::1", false},
           Row{"[::]:443", AF_INET6, 443, "::", false},
           Row{"[2001:db8::17]:1", AF_INET6, 1, "2001:db8::17", false},
           Row{"*:80", AF_INET6, 80, "::", true},
           Row{"unix:/run/app.sock", AF_UNIX, 0, "unix:", false},
           Row{"unix:relative.sock", AF_UNIX, 0, "unix:", false},
       }) {
    CAPTURE(row.text);
    auto address = Address::parse(row.text);
    REQUIRE(address.has_value());
    CHECK(address->text() == row.text);
    CHECK(address->family() == row.family);
    CHECK(address->port() == Port(static_cast<std::uint16_t>(row.port)));
    CHECK(address->host_text() == row.host);
    CHECK(address->dual_stack() == row.dual_stack);
    CHECK(address->is_unix() == (row.family == AF_UNIX));
  }
}

TEST_CASE("address: what is no address is refused with an example") {
  for (std::string_view text : {"",
                                ":",
                                "80",
                                ":80",
                                "127.0.0.1",
                                "127.0.0.1:",
                                "127.0.0.1:65536",
                                "127.0.0.1:-1",
                                "127.0.0.1:+1",
                                "127.0.0.1: 1",
                                "127.0.0.1:1 ",
                                "127.0.0.1:99999999999999999999",
                                "127.0.1:80",
                                "256.0.0.1:80",
                                "localhost:80",
                                "::1:80",
                                "[::1]",
                                "[::1",
                                "::1]:80",
                                "[]:80",
                                "[:80",
                                "[127.0.0.1]:80",
                                "[::1%lo]:80",
                                "**:80",
                                "UNIX:/x"}) {
    CAPTURE(text);
    auto address = Address::parse(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().what.find("is no address: write \"127.0.0.1:80\"") != std::string::npos);
  }
}

TEST_CASE("address: a NUL byte cannot hide what follows it") {
  CHECK_FALSE(Address::parse(std::string_view("127.0.0.1\0.example:80", 21)).has_value());
  CHECK_FALSE(Address::parse(std::string_view("[::1\0]:80", 9)).has_value());
  CHECK_FALSE(Address::unix_path(std::string_view("/run/a\0b", 8)).has_value());
  CHECK_FALSE(Address::unix_path(std::string_view("\0abstract", 9)).has_value());
}

TEST_CASE("address: a Unix path of 107 bytes fits, one byte more and none at all do not") {
  std::string longest = "/" + std::string(106, 'x');
  auto fits = Address::unix_path(longest);
  REQUIRE(fits.has_value());
  CHECK(fits->text() == "unix:" + longest);
  CHECK(fits->length() == sizeof(sockaddr_un));
  auto too_long = Address::unix_path(longest + "x");
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().what.ends_with("is longer than 107 bytes"));
  CHECK_FALSE(Address::unix_path("").has_value());
  CHECK_FALSE(Address::parse("unix:").has_value());
}

TEST_CASE("address: equality knows host, port and whether both families are meant") {
  auto parse = [](const char* text) { return *Address::parse(text); };
  CHECK(parse("127.0.0.1:80") == parse("127.0.0.1:80"));
  CHECK_FALSE(parse("127.0.0.1:80") == parse("127.0.0.1:81"));
  CHECK_FALSE(parse("127.0.0.1:80") == parse("127.0.0.2:80"));
  CHECK_FALSE(parse("[::]:80") == parse("0.0.0.0:80"));
  CHECK_FALSE(parse("[::]:80") == parse("*:80"));
  CHECK(parse("unix:/a") == parse("unix:/a"));
  CHECK_FALSE(parse("unix:/a") == parse("unix:/b"));
  CHECK(Address::tcp_loopback(Port(80)) == parse("127.0.0.1:80"));
}

TEST_CASE("address: another port leaves the rest as it was") {
  CHECK(Address::parse("*:0")->with_port(Port(8080)).text() == "*:8080");
  CHECK(Address::parse("127.0.0.1:1")->with_port(Port(65535)).text() == "127.0.0.1:65535");
  CHECK(Address::parse("[::1]:1")->with_port(Port(2)).text() == "[::1]:2");
  CHECK(Address::parse("unix:/a")->with_port(Port(2)).text() == "unix:/a");
}

TEST_CASE("address: an owner is kept beside the address and is no part of it") {
  auto address = Address::parse("unix:/a");
  REQUIRE(address.has_value());
  CHECK_FALSE(address->owner().has_value());
  auto owned = address->owned_by(33);
  CHECK(owned.owner() == 33);
  CHECK(owned == *address);
  CHECK(owned.text() == "unix:/a");
}

TEST_CASE("address: an IPv4 client of an IPv6 socket is shown as IPv4") {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(4711);
  REQUIRE(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr) == 1);
  auto address = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped);
  CHECK(address.host_text() == "192.0.2.7");
}

TEST_CASE("address: an unnamed Unix socket and a length beyond the storage are harmless") {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  auto unnamed = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), sizeof(sa_family_t));
  CHECK(unnamed.text() == "unix:");
  std::memset(storage.__ss_padding, 'x', sizeof storage.__ss_padding);
  storage.ss_family = AF_UNIX;
  auto full = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), sizeof storage);
  CHECK(full.text() == "unix:" + std::string(sizeof(sockaddr_un::sun_path), 'x'));
}
