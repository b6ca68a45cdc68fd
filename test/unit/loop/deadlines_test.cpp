#include "loop/deadlines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/run_until.h"

using namespace gracevisor;
using base::Millis;
using loop::Deadline;
using loop::Deadlines;

namespace {

struct Waiter final : loop::DeadlineObserver {
  Waiter(std::string& log, char waiter) : told(&log), name(waiter) {}
  void on_deadline() override {
    told->push_back(name);
    auto now = react;
    if (now) now();
  }
  std::string* told;
  char name;
  std::function<void()> react;
  Deadline deadline{*this};
};

struct Fixture {
  ~Fixture() {
    deadlines.reset();
    CHECK(loop->close() == 0);
  }
  Fixture() = default;
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  bool until(const std::string& expected) {
    return test::run_until(*loop, [&] { return told.size() >= expected.size(); }) && told == expected;
  }
  // Those of different durations may come due in one turn of a busy machine, in any order then.
  bool until_all(std::string expected) {
    bool all = test::run_until(*loop, [&] { return told.size() >= expected.size(); });
    std::string sorted = told;
    std::sort(sorted.begin(), sorted.end());
    std::sort(expected.begin(), expected.end());
    return all && sorted == expected;
  }

  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<Deadlines> deadlines = std::make_unique<Deadlines>(*loop);
  std::string told;
  Waiter a{told, 'a'};
  Waiter b{told, 'b'};
  Waiter c{told, 'c'};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "deadlines: each fires once and never early") {
  auto begin = loop->now();
  deadlines->start(a.deadline, Millis(90));
  deadlines->start(b.deadline, Millis(30));
  deadlines->start(c.deadline, Millis(60));
  CHECK(a.deadline.pending());
  a.react = [&] { CHECK(loop->now() - begin >= Millis(90)); };
  b.react = [&] { CHECK(loop->now() - begin >= Millis(30)); };
  c.react = [&] { CHECK(loop->now() - begin >= Millis(60)); };
  REQUIRE(until_all("abc"));
  CHECK_FALSE(a.deadline.pending());
}

TEST_CASE_FIXTURE(Fixture, "deadlines: those of one duration fire in the order of their start") {
  deadlines->start(c.deadline, Millis(10));
  deadlines->start(a.deadline, Millis(10));
  deadlines->start(b.deadline, Millis(10));
  REQUIRE(until("cab"));
}

TEST_CASE_FIXTURE(Fixture,
                  "deadlines: a cancelled or destroyed one does not fire, cancelling twice is harmless") {
  auto gone = std::make_unique<Waiter>(told, 'x');
  deadlines->start(gone->deadline, Millis(5));
  deadlines->start(a.deadline, Millis(5));
  deadlines->start(b.deadline, Millis(20));
  gone.reset();
  a.deadline.cancel();
  a.deadline.cancel();
  CHECK_FALSE(a.deadline.pending());
  REQUIRE(until("b"));
}

TEST_CASE_FIXTURE(Fixture, "deadlines: a restart replaces what was pending, to later and to earlier") {
  deadlines->start(a.deadline, Millis(5));
  deadlines->start(a.deadline, Millis(60));
  deadlines->start(b.deadline, Millis(60000));
  deadlines->start(b.deadline, Millis(20));
  REQUIRE(until_all("ab"));
  for (int i = 0; i < 5; ++i) loop->run_once(false);
  CHECK(told.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "deadlines: an observer may start its own anew, and others") {
  int times = 0;
  a.react = [&] {
    if (++times < 3) deadlines->start(a.deadline, Millis(0));
    if (times == 3) deadlines->start(c.deadline, Millis(1));
  };
  deadlines->start(a.deadline, Millis(0));
  REQUIRE(until("aaac"));
}

TEST_CASE_FIXTURE(Fixture, "deadlines: an observer may cancel others that are due in the same turn") {
  a.react = [&] { b.deadline.cancel(); };
  deadlines->start(a.deadline, Millis(10));
  deadlines->start(b.deadline, Millis(10));
  deadlines->start(c.deadline, Millis(10));
  REQUIRE(until("ac"));
}

TEST_CASE_FIXTURE(Fixture,
                  "deadlines: an observer may be destroyed by its own deadline, and destroy others") {
  auto first = std::make_unique<Waiter>(told, '1');
  auto second = std::make_unique<Waiter>(told, '2');
  first->react = [&] {
    second.reset();
    first.reset();
  };
  deadlines->start(first->deadline, Millis(5));
  deadlines->start(second->deadline, Millis(5));
  deadlines->start(a.deadline, Millis(5));
  REQUIRE(until("1a"));
}

TEST_CASE_FIXTURE(Fixture, "deadlines: a short one started beside a long one is not late") {
  deadlines->start(a.deadline, std::chrono::hours(1));
  loop->run_once(false);
  auto begin = loop->now();
  deadlines->start(b.deadline, Millis(10));
  REQUIRE(until("b"));
  CHECK(loop->now() - begin < std::chrono::seconds(10));
  CHECK(a.deadline.pending());
}

TEST_CASE_FIXTURE(Fixture,
                  "deadlines: an observer that starts a duration never used before keeps the others due") {
  a.react = [&] { deadlines->start(c.deadline, Millis(7)); };
  deadlines->start(a.deadline, Millis(5));
  deadlines->start(b.deadline, Millis(40));
  REQUIRE(until_all("abc"));
}

TEST_CASE_FIXTURE(Fixture, "deadlines: whoever still waits at their end is never told and may be cancelled") {
  deadlines->start(a.deadline, Millis(1));
  deadlines.reset();
  CHECK_FALSE(a.deadline.pending());
  a.deadline.cancel();
  for (int i = 0; i < 3; ++i) loop->run_once(false);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "deadlines: thousands of them all fire") {
  std::string log;
  std::vector<std::unique_ptr<Waiter>> many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back(std::make_unique<Waiter>(log, 'm'));
    deadlines->start(many.back()->deadline, Millis(1 + i % 3));
  }
  REQUIRE(test::run_until(*loop, [&] { return log.size() == 5000; }));
}
