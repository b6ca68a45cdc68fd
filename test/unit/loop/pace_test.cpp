#include "loop/pace.h"

#include <doctest/doctest.h>

#include <chrono>

#include "support/run_until.h"

using namespace gracevisor;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  int acts = 0;
  // Long enough that it is not over before a test has asked again.
  std::unique_ptr<loop::Pace> pace = std::make_unique<loop::Pace>(*loop, 300ms, [this] { ++acts; });
  ~Fixture() {
    pace.reset();
    CHECK(loop->close() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "pace: the first time is at once, and what is asked for meanwhile is done once, later") {
  pace->ask();
  CHECK(acts == 1);
  pace->ask();
  pace->ask();
  CHECK(acts == 1);
  REQUIRE(test::run_until(*loop, [this] { return acts == 2; }));
  loop->run();
  CHECK(acts == 2);
  pace->ask();
  CHECK(acts == 3);
}

TEST_CASE_FIXTURE(Fixture, "pace: in a hurry, only what was asked for is done") {
  pace->hurry();
  CHECK(acts == 0);
  pace->ask();
  pace->hurry();
  CHECK(acts == 1);
  pace->ask();
  pace->hurry();
  CHECK(acts == 2);
  loop->run();
  CHECK(acts == 2);
}

TEST_CASE_FIXTURE(Fixture, "pace: what is forgotten is not done") {
  pace->ask();
  pace->ask();
  pace->forget();
  loop->run();
  CHECK(acts == 1);
}

TEST_CASE("pace: what is asked for while it is done is done the next time") {
  auto loop = std::move(*loop::Loop::create());
  int acts = 0;
  loop::Pace* self = nullptr;
  auto pace = std::make_unique<loop::Pace>(*loop, 1ms, [&] {
    if (++acts < 3) self->ask();
  });
  self = pace.get();
  pace->ask();
  CHECK(acts == 1);
  loop->run();
  CHECK(acts == 3);
  pace.reset();
  CHECK(loop->close() == 0);
}
