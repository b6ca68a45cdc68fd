#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "handoff/ring.h"
#include "handoff/tally.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "loop/wakeup.h"
#include "support/run_until.h"

using namespace gracevisor;
using namespace gracevisor::loop;
using test::run_until;

namespace {

struct Fixture {
  Fixture() = default;
  ~Fixture() { CHECK(loop->close() == 0); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  std::unique_ptr<Loop> loop = std::move(*Loop::create());
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "wakeup: rings from another thread arrive, and what they announce is seen") {
  constexpr int kItems = 5000;
  handoff::Ring<int> ring(64);
  handoff::Tally given_up;
  int received = 0;
  bool in_order = true;
  auto wakeup = Wakeup::create(*loop, [&] {
    while (auto item = ring.pop()) in_order = in_order && *item == received++;
  });
  REQUIRE(wakeup.has_value());
  std::thread sender([&] {
    for (int i = 0; i < kItems; ++i) {
      while (!ring.push(i + 0)) {  // push() takes a temporary
        if (given_up.read() != 0) return;
        std::this_thread::yield();
      }
      (*wakeup)->ring();
    }
  });
  // No timer helps here: a lost ring would hang the loop for good.
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (received < kItems && std::chrono::steady_clock::now() < end) loop->run_once(true);
  given_up.set(1);
  sender.join();
  CHECK(received == kItems);
  CHECK(in_order);
}

TEST_CASE_FIXTURE(Fixture, "wakeup: it may be destroyed in its own callback") {
  std::unique_ptr<Wakeup> wakeup;
  int rung = 0;
  wakeup = std::move(*Wakeup::create(*loop, [&] {
    wakeup.reset();
    ++rung;
  }));
  wakeup->ring();
  wakeup->ring();
  REQUIRE(run_until(*loop, [&] { return rung == 1; }));
}

TEST_CASE_FIXTURE(Fixture, "fd watch: readable repeats until it is read, and pauses") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  int ready = 0;
  auto watch = FdWatch::create(*loop, pipe->read_end.get(), FdWatch::Interest::readable, [&] { ++ready; });
  REQUIRE(watch.has_value());
  for (int i = 0; i < 3; ++i) loop->run_once(false);
  CHECK(ready == 0);
  REQUIRE(::write(pipe->write_end.get(), "x", 1) == 1);
  REQUIRE(run_until(*loop, [&] { return ready >= 3; }));
  (*watch)->pause();
  int paused_at = ready;
  for (int i = 0; i < 3; ++i) loop->run_once(false);
  CHECK(ready == paused_at);
  REQUIRE((*watch)->resume().has_value());
  REQUIRE(run_until(*loop, [&] { return ready > paused_at; }));
}

TEST_CASE_FIXTURE(Fixture, "fd watch: the end of a pipe counts as readable") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  bool ready = false;
  auto watch =
      FdWatch::create(*loop, pipe->read_end.get(), FdWatch::Interest::readable, [&] { ready = true; });
  REQUIRE(watch.has_value());
  pipe->write_end.reset();
  REQUIRE(run_until(*loop, [&] { return ready; }));
}

TEST_CASE_FIXTURE(Fixture,
                  "fd watch: it may be destroyed in its callback, and the descriptor stays its owner's") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  std::unique_ptr<FdWatch> watch;
  int ready = 0;
  watch = std::move(*FdWatch::create(*loop, pipe->write_end.get(), FdWatch::Interest::writable, [&] {
    watch.reset();
    ++ready;
  }));
  REQUIRE(run_until(*loop, [&] { return ready == 1; }));
  CHECK(::fcntl(pipe->write_end.get(), F_GETFD) >= 0);
  watch = std::move(
      *FdWatch::create(*loop, pipe->write_end.get(), FdWatch::Interest::writable, [&] { ++ready; }));
  REQUIRE(run_until(*loop, [&] { return ready == 2; }));
  watch.reset();
}

TEST_CASE_FIXTURE(Fixture, "fd watch: what cannot be watched is an error") {
  base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  CHECK_FALSE(FdWatch::create(*loop, file.get(), FdWatch::Interest::readable, [] {}).has_value());
  CHECK_FALSE(FdWatch::create(*loop, -1, FdWatch::Interest::readable, [] {}).has_value());
}

TEST_CASE_FIXTURE(Fixture, "signals: each of those asked for is told with its number") {
  std::vector<int> told;
  auto signals = Signals::create(*loop, {SIGUSR1, SIGUSR2}, [&](int number) { told.push_back(number); });
  REQUIRE(signals.has_value());
  REQUIRE(::raise(SIGUSR1) == 0);
  REQUIRE(run_until(*loop, [&] { return told.size() == 1; }));
  REQUIRE(::raise(SIGUSR2) == 0);
  REQUIRE(run_until(*loop, [&] { return told.size() == 2; }));
  CHECK(told == std::vector<int>{SIGUSR1, SIGUSR2});
}

TEST_CASE_FIXTURE(Fixture,
                  "signals: the watch may be destroyed in its callback, then default and mask are back") {
  std::unique_ptr<Signals> signals;
  int told = 0;
  signals = std::move(*Signals::create(*loop, {SIGUSR1}, [&](int) {
    signals.reset();
    ++told;
  }));
  REQUIRE(::raise(SIGUSR1) == 0);
  REQUIRE(run_until(*loop, [&] { return told == 1; }));
  struct sigaction now{};
  REQUIRE(::sigaction(SIGUSR1, nullptr, &now) == 0);
  bool is_default = now.sa_handler == SIG_DFL;
  CHECK(is_default);
  sigset_t mask;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &mask) == 0);
  CHECK(::sigismember(&mask, SIGUSR1) == 0);
}

TEST_CASE_FIXTURE(Fixture, "signals: one that was ignored is told, and no handler is left to interrupt") {
  (void)std::signal(SIGUSR1, SIG_IGN);
  int told = 0;
  auto signals = Signals::create(*loop, {SIGUSR1}, [&](int) { ++told; });
  REQUIRE(signals.has_value());
  struct sigaction now{};
  REQUIRE(::sigaction(SIGUSR1, nullptr, &now) == 0);
  bool is_default = now.sa_handler == SIG_DFL;
  CHECK(is_default);
  for (int i = 0; i < 100; ++i) REQUIRE(::raise(SIGUSR1) == 0);
  REQUIRE(run_until(*loop, [&] { return told == 1; }));
}

TEST_CASE_FIXTURE(Fixture,
                  "signals: one that cannot be caught is an error, and the watch keeps no loop alive") {
  CHECK_FALSE(Signals::create(*loop, {SIGUSR1, SIGKILL}, [](int) {}).has_value());
  auto signals = Signals::create(*loop, {SIGUSR1}, [](int) {});
  REQUIRE(signals.has_value());
  loop->run();
}
