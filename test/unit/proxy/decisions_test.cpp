// What the proxy decides without any connection: whom to choose, whether to try again, how long to wait.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "proxy/balancer.h"
#include "proxy/body_relay.h"
#include "proxy/entrance.h"
#include "proxy/probe.h"
#include "proxy/retry.h"

namespace gracevisor::proxy {
namespace {

using Balance = Balancer::Balance;
using std::chrono::seconds;

TEST_CASE("balancer: round robin takes each target in turn") {
  Balancer balancer(1);
  auto no_load = [](std::size_t) { return 0U; };
  for (std::size_t i = 0; i < 9; ++i) CHECK(balancer.choose(Balance::round_robin, 3, no_load) == i % 3);
}

TEST_CASE("balancer: least requests takes the idle target, and equals in turn") {
  Balancer balancer(1);
  std::array<unsigned, 3> loads{2, 0, 1};
  auto load_of = [&](std::size_t i) { return loads[i]; };
  for (int i = 0; i < 5; ++i) CHECK(balancer.choose(Balance::least_requests, 3, load_of) == 1);
  loads = {1, 1, 1};
  std::array<int, 3> taken{};
  for (int i = 0; i < 9; ++i) ++taken[balancer.choose(Balance::least_requests, 3, load_of)];
  CHECK(taken == std::array<int, 3>{3, 3, 3});
}

TEST_CASE("balancer: the better of two never takes the busiest of two, and spreads equal load over all") {
  Balancer balancer(7);
  auto two = [](std::size_t i) { return i == 0 ? 5U : 1U; };
  for (int i = 0; i < 50; ++i) CHECK(balancer.choose(Balance::p2c, 2, two) == 1);
  std::array<int, 5> taken{};
  for (int i = 0; i < 5000; ++i) {
    ++taken[balancer.choose(Balance::p2c, taken.size(), [&](std::size_t t) { return taken[t]; })];
  }
  for (int share : taken) {
    CHECK(share > 950);
    CHECK(share < 1050);
  }
}

TEST_CASE("balancer: a single target is taken whatever its load") {
  Balancer balancer(3);
  for (auto how : {Balance::p2c, Balance::round_robin, Balance::least_requests}) {
    CHECK(balancer.choose(how, 1, [](std::size_t) { return 1000U; }) == 0);
  }
}

TEST_CASE("retry: every kind of failure has its verdict") {
  struct Row {
    const char* what;
    FailedAttempt attempt;
    Verdict verdict;
  };
  const std::vector<Row> rows{
      {"a refused connect goes to another target",
       {.failure = Failure::connect, .connects_failed = 1, .targets = 2},
       Verdict::elsewhere},
      {"of any method", {.failure = Failure::connect, .idempotent = false}, Verdict::elsewhere},
      {"until all were tried and the first once more",
       {.failure = Failure::connect, .connects_failed = 3, .targets = 2},
       Verdict::wait},
      {"budget or not", {.failure = Failure::connect, .within_budget = false}, Verdict::elsewhere},
      {"without a target it waits", {.failure = Failure::connect, .targets = 0}, Verdict::wait},
      {"a reused connection that took nothing: any method, anew",
       {.failure = Failure::unsent, .reused = true, .within_budget = false},
       Verdict::fresh},
      {"even after a replay", {.failure = Failure::unsent, .reused = true, .replays = 1}, Verdict::fresh},
      {"no response on a reused connection, idempotent: a fresh one",
       {.failure = Failure::no_response, .reused = true, .idempotent = true},
       Verdict::fresh},
      {"whatever the budget: it was kept after a whole response",
       {.failure = Failure::no_response, .reused = true, .idempotent = true, .within_budget = false},
       Verdict::fresh},
      {"but only what is held",
       {.failure = Failure::no_response, .reused = true, .idempotent = true, .replayable = false},
       Verdict::give_up},
      {"not idempotent: never", {.failure = Failure::no_response, .reused = true}, Verdict::give_up},
      {"unless the kernel proves that it was not read",
       {.failure = Failure::no_response, .reused = true, .unread = true},
       Verdict::fresh},
      {"which a fresh connection cannot excuse",
       {.failure = Failure::no_response, .reused = false, .unread = true},
       Verdict::give_up},
      {"no response on a fresh connection, idempotent: another instance",
       {.failure = Failure::no_response, .idempotent = true, .targets = 2},
       Verdict::elsewhere},
      {"or, with one only, the same after a moment",
       {.failure = Failure::no_response, .idempotent = true},
       Verdict::pause},
      {"but only once",
       {.failure = Failure::no_response, .idempotent = true, .targets = 2, .replays = 1},
       Verdict::give_up},
      {"and over the budget only if the instance is dead",
       {.failure = Failure::no_response, .idempotent = true, .within_budget = false},
       Verdict::prove},
      {"however many there are",
       {.failure = Failure::no_response, .idempotent = true, .within_budget = false, .targets = 2},
       Verdict::prove},
      {"not idempotent: never", {.failure = Failure::no_response}, Verdict::give_up},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(decide(row.attempt) == row.verdict);
  }
}

TEST_CASE("retry: the budget is a fifth of the requests, and at least three") {
  RetryBudget budget;
  base::TimePoint now{seconds(1000)};
  budget.note_request(now);
  for (int i = 0; i < 3; ++i) {
    CHECK(budget.allows(now));
    budget.note_retry();
  }
  CHECK_FALSE(budget.allows(now));
  for (int i = 0; i < 19; ++i) budget.note_request(now);
  CHECK(budget.allows(now));
  budget.note_retry();
  CHECK_FALSE(budget.allows(now));
  CHECK_FALSE(budget.allows(now + seconds(15)));  // still of the window before
  CHECK(budget.allows(now + seconds(60)));
}

TEST_CASE("probe: the pace grows from 10 ms by half up to the interval") {
  base::Duration pace{};
  base::Duration steady = base::Millis(30);
  pace = next_pace(pace, steady);
  CHECK(pace == base::Millis(10));
  pace = next_pace(pace, steady);
  CHECK(pace == base::Millis(15));
  pace = next_pace(pace, steady);
  pace = next_pace(pace, steady);
  CHECK(pace == steady);
}

TEST_CASE("trusted proxies: an address is matched by its prefix, mapped IPv4 too") {
  auto host = [](const char* text) { return *base::Address::parse(text); };
  std::vector<config::Cidr> networks{{host("10.1.0.0:0"), 20}, {host("[fd00::]:0"), 8}};
  CHECK(any_contains(networks, host("10.1.15.255:80")));
  CHECK_FALSE(any_contains(networks, host("10.1.16.0:80")));
  CHECK(any_contains(networks, host("[::ffff:10.1.2.3]:80")));
  CHECK(any_contains(networks, host("[fd12::1]:80")));
  CHECK_FALSE(any_contains(networks, host("[fe80::1]:80")));
  CHECK_FALSE(any_contains(networks, host("unix:/x")));
  CHECK(any_contains({{host("0.0.0.0:0"), 0}}, host("1.2.3.4:5")));
}

TEST_CASE("body relay: chunks of one read leave as one chunk, the last one once") {
  BodyRelay relay;
  http::Framing chunked{http::Framing::Kind::chunked, 0};
  relay.start(chunked, chunked);
  Pieces pieces;
  CHECK(relay.next("1\r\na\r\n2\r\nbc\r\n", pieces) == 13);
  std::string written;
  for (auto piece : pieces.slices()) written += piece;
  CHECK(written == "3\r\nabc\r\n");
  Pieces last;
  CHECK(relay.next("0\r\n\r\nrest", last) == 5);
  CHECK(relay.finished());
  CHECK(last.bytes() == 5);
}

TEST_CASE("body relay: more chunks than pieces are taken in several steps") {
  BodyRelay relay;
  relay.start({http::Framing::Kind::chunked, 0}, {http::Framing::Kind::until_close, 0});
  std::string input;
  for (int i = 0; i < 100; ++i) input += "1\r\nx\r\n";
  input += "0\r\n\r\n";
  std::string_view rest = input;
  std::size_t content = 0;
  while (relay.reading() && !rest.empty()) {
    Pieces pieces;
    rest.remove_prefix(relay.next(rest, pieces));
    content += pieces.bytes();
  }
  CHECK(relay.finished());
  CHECK(rest.empty());
  CHECK(content == 100);
}

}  // namespace
}  // namespace gracevisor::proxy
