// Balancing by hash, and ejection: what a request is told by, where it goes, and who is left out meanwhile.
#include "proxy/affinity.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "proxy/balancer.h"
#include "proxy/ejection.h"
#include "support/manual_clock.h"
#include "unit/http/reading.h"

namespace gracevisor::proxy {
namespace {

using Balance = Balancer::Balance;
using http::testing::read_request;
using std::chrono::seconds;

constexpr std::array kHashes{Balance::hash_header, Balance::hash_cookie, Balance::hash_client};

unsigned idle(std::size_t /*index*/) {
  return 0;
}

// Where each of many requests goes, by the key of the target.
std::vector<unsigned> placed(const std::vector<unsigned>& keys, std::size_t requests) {
  Balancer balancer(1);
  std::vector<unsigned> places;
  for (std::size_t i = 0; i < requests; ++i) {
    std::uint64_t affinity = affinity_of("client-" + std::to_string(i));
    places.push_back(keys[balancer.choose(Balance::hash_header, keys.size(), idle, affinity,
                                          [&](std::size_t target) { return std::uint64_t{keys[target]}; })]);
  }
  return places;
}

TEST_CASE("hash: the same request goes to the same target, whatever the load and the worker") {
  auto key_of = [](std::size_t i) { return std::uint64_t{i}; };
  for (Balance how : kHashes) {
    Balancer one(1);
    Balancer other(99);
    for (std::uint64_t affinity = 1; affinity < 200; ++affinity) {
      std::size_t first = one.choose(how, 4, idle, affinity, key_of);
      auto busy = [&](std::size_t i) { return i == first ? 1000U : 0U; };
      CHECK(one.choose(how, 4, busy, affinity, key_of) == first);
      CHECK(other.choose(how, 4, idle, affinity, key_of) == first);
    }
  }
}

TEST_CASE("hash: many requests spread evenly over the targets") {
  constexpr std::size_t kRequests = 10000;
  for (std::size_t targets : {2U, 3U, 8U}) {
    CAPTURE(targets);
    std::vector<unsigned> keys;
    for (unsigned key = 0; key < targets; ++key) keys.push_back(key);
    auto places = placed(keys, kRequests);
    for (unsigned key : keys) {
      auto share = static_cast<std::size_t>(std::count(places.begin(), places.end(), key));
      CHECK(share > kRequests / targets * 85 / 100);
      CHECK(share < kRequests / targets * 115 / 100);
    }
  }
}

TEST_CASE("hash: when a target leaves only its requests move, and they come back with it") {
  constexpr std::size_t kRequests = 2000;
  const auto before = placed({1, 2, 3, 4, 5}, kRequests);
  const auto without = placed({1, 2, 4, 5}, kRequests);
  std::set<unsigned> inherited;
  for (std::size_t i = 0; i < kRequests; ++i) {
    if (before[i] == 3) {
      inherited.insert(without[i]);
    } else {
      REQUIRE(without[i] == before[i]);
    }
  }
  CHECK(inherited == std::set<unsigned>{1, 2, 4, 5});   // not all to one neighbour
  CHECK(placed({5, 3, 1, 4, 2}, kRequests) == before);  // the order of the table does not count
}

TEST_CASE("hash: a request with nothing to go by goes anywhere, rather to who is less busy") {
  Balancer balancer(5);
  for (Balance how : kHashes) {
    std::array<int, 3> taken{};
    for (int i = 0; i < 300; ++i) ++taken.at(balancer.choose(how, 3, idle));
    for (int share : taken) CHECK(share > 50);
    auto busy = [](std::size_t i) { return i == 0 ? 9U : 0U; };
    for (int i = 0; i < 50; ++i) CHECK(balancer.choose(how, 2, busy) == 1);
  }
}

std::uint64_t by(Balance how, const std::string& key, const std::string& fields,
                 std::string_view client = "") {
  config::ProxyOptions options;
  options.balance = how;
  options.balance_key = key;
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
  const auto reading = read_request(bytes);
  REQUIRE(reading.result.state == http::HeadState::complete);
  return affinity_of(options, reading.head, client);
}

TEST_CASE("affinity: a header is found whatever the case of its name, the first of several counts") {
  auto of = [](const std::string& fields) { return by(Balance::hash_header, "X-Tenant", fields); };
  CHECK(of("X-Tenant: a\r\n") == affinity_of("a"));
  CHECK(of("x-tenant:  a \r\n") == affinity_of("a"));
  CHECK(of("X-Other: b\r\nX-TENANT: a\r\nX-Tenant: c\r\n") == affinity_of("a"));
  CHECK(of("X-Tenant: A\r\n") != affinity_of("a"));
  CHECK(of("X-Tenan: a\r\nX-Tenants: a\r\n") == 0);
  CHECK(of("X-Tenant:\r\n") == 0);
  CHECK(by(Balance::hash_header, "Authorization", "Authorization: Basic x\r\n") == affinity_of("Basic x"));
  CHECK(by(Balance::hash_header, "cookie", "Cookie: a=b\r\n") == affinity_of("a=b"));
}

TEST_CASE("affinity: a cookie is found among several, and in any Cookie line") {
  auto of = [](const std::string& fields) { return by(Balance::hash_cookie, "sid", fields); };
  for (const char* fields :
       {"Cookie: sid=7\r\n", "cookie: sid=7;\r\n", "Cookie: a=1; sid=7\r\n", "Cookie: a=1;sid=7;b=2\r\n",
        "Cookie: a=sid=8; sid=7; sid=9\r\n", "Cookie: xsid=1; sid2=2; SID=3; sid=7\r\n",
        "Cookie: sid; sid=7\r\n", "Cookie: sid=; sid2=1\r\nCookie: sid=7\r\n",
        "Cookie: a=1\r\nX: y\r\nCookie: b=2; sid=7\r\n", "Cookie: ;; ; sid=7 ;\r\n",
        "Cookie: \t sid=7\t\r\n"}) {
    CAPTURE(fields);
    CHECK(of(fields) == affinity_of("7"));
  }
  for (const char* fields :
       {"", "Cookie: a=1\r\n", "Cookie: sid=\r\n", "Cookie: sid\r\n", "Cookie: SID=7\r\n", "Cookie:\r\n",
        "Cookie: xsid=7\r\n", "X-Cookie: sid=7\r\n", "Cookie: a=\"; sid =7\r\n"}) {
    CAPTURE(fields);
    CHECK(of(fields) == 0);
  }
}

TEST_CASE("affinity: of the client's address, which a Unix socket has not") {
  CHECK(by(Balance::hash_client, "", "X-Forwarded-For: 9.9.9.9\r\n", "10.0.0.1") == affinity_of("10.0.0.1"));
  CHECK(by(Balance::hash_client, "", "", "") == 0);
  CHECK(affinity_of("10.0.0.1") != affinity_of("10.0.0.2"));
  CHECK(affinity_of("") == 0);
  for (Balance how : {Balance::p2c, Balance::round_robin, Balance::least_requests}) {
    CHECK(by(how, "X", "X: y\r\n", "10.0.0.1") == 0);
  }
}

TEST_CASE("ejection: three failures in a row leave an instance out, for longer each time up to a minute") {
  test::ManualClock clock;
  Ejection ejection;
  CHECK_FALSE(ejection.out(clock.now()));
  for (int expected : {5, 10, 20, 40, 60, 60}) {
    CAPTURE(expected);
    for (unsigned i = 1; i < Ejection::kFailures; ++i) ejection.note_failure(clock.now());
    CHECK_FALSE(ejection.out(clock.now()));
    ejection.note_failure(clock.now());
    CHECK(ejection.out(clock.now()));
    clock.advance(seconds(expected) - base::Millis(1));
    CHECK(ejection.out(clock.now()));
    clock.advance(base::Millis(1));
    CHECK_FALSE(ejection.out(clock.now()));
  }
}

TEST_CASE("ejection: a success in between starts the count anew, and the times too") {
  test::ManualClock clock;
  Ejection ejection;
  for (int i = 0; i < 10; ++i) {
    ejection.note_failure(clock.now());
    ejection.note_failure(clock.now());
    ejection.note_success();
  }
  CHECK_FALSE(ejection.out(clock.now()));
  for (int i = 0; i < 3; ++i) ejection.note_failure(clock.now());
  clock.advance(seconds(5));
  for (int i = 0; i < 3; ++i) ejection.note_failure(clock.now());  // for 10 s now
  clock.advance(seconds(10));
  ejection.note_success();
  for (int i = 0; i < 3; ++i) ejection.note_failure(clock.now());
  CHECK(ejection.out(clock.now()));
  clock.advance(seconds(5));
  CHECK_FALSE(ejection.out(clock.now()));
}

TEST_CASE("ejection: what fails while an instance is out makes that no longer") {
  test::ManualClock clock;
  Ejection ejection;
  for (int i = 0; i < 20; ++i) ejection.note_failure(clock.now());
  clock.advance(seconds(5));
  CHECK_FALSE(ejection.out(clock.now()));
}

}  // namespace
}  // namespace gracevisor::proxy
