// The queue of events and the timers that add to it.
#include "supervise/event_queue.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

#include "loop/loop.h"
#include "supervise/timer_set.h"
#include "support/recording_effects.h"
#include "support/run_until.h"

namespace gracevisor::supervise {
namespace {

using namespace std::chrono_literals;
using decide::AppTimer;
using decide::InstanceTimer;

// One app, whose turns only the test takes.
struct Queue {
  test::RecordingEffects effects;
  decide::App app{base::AppId(1), "web", base::GenerationId(0), {effects, effects}};
  int turns = 0;
  std::string handled;
  EventQueue events{[this] { ++turns; }};

  void run() {
    events.run([this](base::AppId id) { return id == app.id() ? &app : nullptr; });
  }
  void add(const std::string& name, base::AppId to = base::AppId(1)) {
    events.add(to, [this, name](decide::App&) { handled += name; });
  }
};

TEST_CASE("events: they are handled in their order, and those that they cause in the same turn") {
  Queue queue;
  queue.events.add(queue.app.id(), [&](decide::App&) {
    queue.handled += "a";
    queue.add("c");
  });
  queue.add("b");
  CHECK(queue.turns == 2);
  CHECK(queue.handled.empty());
  queue.run();
  CHECK(queue.handled == "abc");
  queue.run();
  CHECK(queue.handled == "abc");
}

TEST_CASE("events: those of an app that is no more are dropped") {
  Queue queue;
  queue.add("x", base::AppId(9));
  queue.add("a");
  queue.run();
  CHECK(queue.handled == "a");
}

TEST_CASE("events: a turn is bounded, and another follows") {
  Queue queue;
  for (int i = 0; i < 10'001; ++i) queue.add("e");
  queue.turns = 0;
  queue.run();
  CHECK(queue.handled.size() == 10'000);
  CHECK(queue.turns == 1);
  queue.run();
  CHECK(queue.handled.size() == 10'001);
  CHECK(queue.turns == 1);
}

// Timers of the app's state record, whose keeper asks again when they fire.
struct Timers : Queue {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<TimerSet> timers = std::make_unique<TimerSet>(*loop, events);
  const TimerSet::Key retry = TimerSet::OfApp(base::AppId(1), AppTimer::record);

  Timers() {
    REQUIRE(app.stop({}, decide::Haste::signal, std::make_shared<decide::Report>(effects.now())).has_value());
    app.on_recorded(effects.records.back().first, base::fail("disk full"));
  }
  [[nodiscard]] std::size_t records() const { return effects.records.size(); }
  bool due() {
    const int before = turns;
    return test::run_until(*loop, [&] { return turns > before; });
  }
};

TEST_CASE("timers: a due one becomes an event, and reaches its app in the turn") {
  Timers f;
  f.timers->arm(f.retry, 0ms);
  REQUIRE(f.due());
  CHECK(f.records() == 1);
  f.run();
  CHECK(f.records() == 2);
}

TEST_CASE("timers: one that is disarmed or armed anew while its event waits does not fire") {
  Timers f;
  f.timers->arm(f.retry, 0ms);
  REQUIRE(f.due());
  f.timers->disarm(f.retry);
  f.run();
  CHECK(f.records() == 1);
  f.timers->arm(f.retry, 0ms);
  REQUIRE(f.due());
  f.timers->arm(f.retry, 1h);
  f.run();
  CHECK(f.records() == 1);
}

TEST_CASE("timers: those of an instance and of its app are told apart by their kind") {
  Timers f;
  routing::Identity who;
  who.app = f.app.id();
  f.timers->arm(TimerSet::OfInstance(who, InstanceTimer::stop_step), 1h);
  f.timers->arm(f.retry, 0ms);
  REQUIRE(f.due());
  f.timers->disarm(TimerSet::OfInstance(who, InstanceTimer::stop_step));
  f.timers->disarm(TimerSet::OfApp(who.app, AppTimer::guard));
  f.run();
  CHECK(f.records() == 2);
}

}  // namespace
}  // namespace gracevisor::supervise
