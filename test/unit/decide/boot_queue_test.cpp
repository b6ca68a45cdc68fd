#include "decide/boot_queue.h"

#include <doctest/doctest.h>

#include <vector>

#include "support/manual_clock.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace std::chrono_literals;

namespace {

struct BootQueueFixture {
  explicit BootQueueFixture(unsigned apps) {
    for (unsigned i = apps; i > 0; --i) queue.add(base::AppId(i));
  }
  // The apps that one slice starts when each takes so long.
  std::vector<unsigned> slice(base::Duration each) {
    std::vector<unsigned> started;
    queue.run_slice([this] { return clock.now(); },
                    [&](base::AppId app) {
                      CHECK_FALSE(queue.waiting().contains(app));
                      started.push_back(app.value());
                      clock.advance(each);
                    });
    return started;
  }
  test::ManualClock clock;
  BootQueue queue;
};

}  // namespace

TEST_CASE("boot queue: a slice starts apps in their order until its time is over") {
  BootQueueFixture f(7);
  CHECK(f.slice(4ms) == std::vector<unsigned>{1, 2, 3});
  CHECK(f.slice(5ms) == std::vector<unsigned>{4, 5});
  CHECK(f.slice(0ms) == std::vector<unsigned>{6, 7});
  CHECK(f.queue.waiting().empty());
  CHECK(f.slice(1ms).empty());
}

TEST_CASE("boot queue: a slice starts one app, however long that takes") {
  BootQueueFixture f(2);
  CHECK(f.slice(5s) == std::vector<unsigned>{1});
  CHECK(f.slice(5s) == std::vector<unsigned>{2});
}

TEST_CASE("boot queue: slices are longer when more time passes between them, up to a bound") {
  BootQueueFixture f(100);
  CHECK(f.slice(10ms).size() == 1);
  f.clock.advance(2ms);
  CHECK(f.slice(1ms).size() == 10);
  f.clock.advance(5ms);
  CHECK(f.slice(1ms).size() == 20);
  f.clock.advance(1s);
  CHECK(f.slice(1ms).size() == 50);
}

TEST_CASE("boot queue: an app that was taken out of its turn is not started again") {
  BootQueueFixture f(3);
  CHECK(f.queue.take(base::AppId(2)));
  CHECK_FALSE(f.queue.take(base::AppId(2)));
  CHECK(f.slice(1ms) == std::vector<unsigned>{1, 3});
  CHECK_FALSE(f.queue.take(base::AppId(1)));
}

TEST_CASE("boot queue: what was given up is never started") {
  BootQueueFixture f(3);
  CHECK(f.slice(10ms) == std::vector<unsigned>{1});
  f.queue.clear();
  CHECK(f.slice(10ms).empty());
}

TEST_CASE("boot queue: a slice ends as soon as nothing may be started any more") {
  BootQueueFixture f(4);
  std::vector<unsigned> started;
  const auto run = [&](std::size_t most) {
    f.queue.run_slice([&f] { return f.clock.now(); },
                      [&](base::AppId app) { started.push_back(app.value()); },
                      [&] { return started.size() < most; });
  };
  run(0);
  CHECK(started.empty());
  run(2);
  CHECK(started == std::vector<unsigned>{1, 2});
  run(9);
  CHECK(started == std::vector<unsigned>{1, 2, 3, 4});
}
