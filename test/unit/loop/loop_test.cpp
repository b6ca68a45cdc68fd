#include "loop/loop.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "loop/fd_watch.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "support/run_until.h"

using namespace gracevisor;
using namespace gracevisor::loop;
using base::Millis;
using test::run_until;

namespace {

struct Fixture {
  Fixture() = default;
  ~Fixture() { CHECK(loop->close() == 0); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  std::unique_ptr<Loop> loop = std::move(*Loop::create());
};

// Retires another when it is destroyed.
struct Chain : Retirable {
  Chain(Loop& l, int n, int& g) : loop(l), left(n), gone(g) {}
  ~Chain() override {
    ++gone;
    if (left > 0) loop.retire(std::make_unique<Chain>(loop, left - 1, gone));
  }
  Loop& loop;
  int left;
  int& gone;
};

struct Counted : Retirable {
  explicit Counted(int& g) : gone(g) {}
  ~Counted() override { ++gone; }
  int& gone;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "loop: it ends by itself when nothing is left to wait for") {
  loop->run();
  loop->run_once(true);
}

TEST_CASE("loop: a handle that still has its owner is told by close, which can be tried again") {
  auto loop = std::move(*Loop::create());
  auto timer = std::make_unique<Timer>(*loop, [] {});
  CHECK(loop->close() == -EBUSY);
  timer.reset();
  CHECK(loop->close() == 0);
  CHECK(loop->close() == 0);
}

TEST_CASE_FIXTURE(Fixture, "loop: its clock is the steady clock, in step with the turns") {
  auto before = std::chrono::steady_clock::now();
  loop->run_once(false);
  auto now = loop->now();
  CHECK(now >= before - Millis(5));
  CHECK(now <= std::chrono::steady_clock::now());
  CHECK(loop->now() == now);
}

TEST_CASE_FIXTURE(Fixture,
                  "retire: what retires in a timer's callback is freed before the loop waits for I/O") {
  int gone = 0;
  std::vector<int> seen;
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  Timer timer(*loop, [&] {
    loop->retire(std::make_unique<Counted>(gone));
    seen.push_back(gone);
  });
  auto watch = FdWatch::create(*loop, pipe->write_end.get(), FdWatch::Interest::writable, [&] {
    if (!seen.empty()) seen.push_back(gone);
  });
  REQUIRE(watch.has_value());
  timer.start(Millis(0));
  REQUIRE(run_until(*loop, [&] { return seen.size() >= 2; }));
  CHECK(seen[0] == 0);
  CHECK(seen[1] == 1);
}

TEST_CASE_FIXTURE(Fixture, "retire: one that retires others while it is destroyed frees them all") {
  int gone = 0;
  loop->retire(std::make_unique<Chain>(*loop, 10, gone));
  loop->retire(std::make_unique<Chain>(*loop, 10, gone));
  Timer timer(*loop, [] {});
  timer.start(Millis(0));
  REQUIRE(run_until(*loop, [&] { return gone == 22; }));
}

TEST_CASE("retire: what is left at the end is freed by close") {
  auto loop = std::move(*Loop::create());
  int gone = 0;
  loop->retire(std::make_unique<Chain>(*loop, 3, gone));
  CHECK(loop->close() == 0);
  CHECK(gone == 4);
}

TEST_CASE_FIXTURE(Fixture, "timer: it fires once, not early, and can be started again") {
  int fired = 0;
  Timer timer(*loop, [&] { ++fired; });
  CHECK_FALSE(timer.running());
  auto begin = std::chrono::steady_clock::now();
  timer.start(Millis(20));
  CHECK(timer.running());
  REQUIRE(run_until(*loop, [&] { return fired == 1; }));
  CHECK(std::chrono::steady_clock::now() - begin >= Millis(19));
  CHECK_FALSE(timer.running());
  timer.start(base::Duration(1));
  REQUIRE(run_until(*loop, [&] { return fired == 2; }));
  timer.start(-Millis(5));
  REQUIRE(run_until(*loop, [&] { return fired == 3; }));
}

TEST_CASE_FIXTURE(Fixture, "timer: stopped it is silent, restarted it counts from the restart") {
  int fired = 0;
  Timer timer(*loop, [&] { ++fired; });
  timer.start(Millis(1));
  timer.stop();
  timer.stop();
  int marks = 0;
  Timer mark(*loop, [&] { ++marks; });
  mark.start(Millis(30));
  REQUIRE(run_until(*loop, [&] { return marks == 1; }));
  CHECK(fired == 0);
  timer.start(Millis(1));
  timer.start(std::chrono::hours(1));
  mark.start(Millis(30));
  REQUIRE(run_until(*loop, [&] { return marks == 2; }));
  CHECK(fired == 0);
}

TEST_CASE_FIXTURE(Fixture, "timer: it may be destroyed and restarted in its own callback") {
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, [&] {
    if (++fired < 3) {
      timer->start(Millis(0));
    } else {
      timer.reset();
    }
  });
  timer->start(Millis(0));
  REQUIRE(run_until(*loop, [&] { return timer == nullptr; }));
  CHECK(fired == 3);
}

TEST_CASE_FIXTURE(Fixture, "timer: one that starts itself for at once leaves the others their turns") {
  constexpr int kNever = 100000;
  int times = 0;
  bool others = false;
  NextTurn other(*loop, [&] { others = true; });
  Timer timer(*loop, [&] {
    if (++times == 1) other.ask();
    if (!others && times < kNever) timer.start(Millis(0));
  });
  timer.start(Millis(0));
  loop->run();
  CHECK(others);
  CHECK(times < kNever);
}

TEST_CASE_FIXTURE(Fixture, "loop: what asks for one turn after the other leaves the others theirs") {
  constexpr int kNever = 100000000;
  int turns = 0;
  bool due = false;
  std::unique_ptr<NextTurn> next;
  next = std::make_unique<NextTurn>(*loop, [&] {
    if (++turns < kNever && !due) next->ask();
  });
  Timer timer(*loop, [&] { due = true; });
  next->ask();
  next->ask();
  timer.start(Millis(0));
  loop->run();
  CHECK(due);
  CHECK(turns < kNever);
  const int before = turns;
  next->ask();
  next->stop();
  loop->run();
  CHECK(turns == before);
  // Whoever owns it may end in it.
  next = std::make_unique<NextTurn>(*loop, [&] { next.reset(); });
  next->ask();
  loop->run();
  CHECK(next == nullptr);
}
