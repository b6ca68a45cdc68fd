// What becomes of slots whose process has ended, is ending, or is one too many when a daemon is killed.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("reattach: a slot in its back-off waits for the rest of it, and counts on") {
  struct Row {
    base::Duration later;
    base::Duration rest;
  };
  Former former;
  auto spec = whole_spec(1);
  spec->app.restart.backoff = 10s;
  former.boot_web(spec);
  for (int i = 0; i < 2; ++i) {
    former.exit(1, 1, Exited{1});
    former.effects.advance(*former.instance(1, 1).due() - former.effects.now());
    former.run(1, 1);
  }
  former.exit(1, 1, Exited{4});
  REQUIRE(former.instance(1, 1).state() == InstanceState::backoff);
  const base::Duration delay = *former.instance(1, 1).due() - former.effects.now();
  const auto incarnation = former.who(1, 1).incarnation;
  for (const Row& row : {Row{0s, delay}, Row{3s, delay - 3s}, Row{delay, 0s}, Row{1h, 0s}}) {
    CAPTURE(row.later.count());
    Next next(former, row.later);
    next.reattach(former.remains());
    CHECK(next.instance(1, 1).state() == InstanceState::backoff);
    CHECK(next.instance(1, 1).failures_in_a_row() == 3);
    CHECK(next.instance(1, 1).restarts() == 2);
    CHECK(next.instance(1, 1).last_exit() == ExitStatus(Exited{4}));
    CHECK(next.app.state() == "backoff");
    if (row.rest > 0s) {
      next.effects.advance(row.rest - 1ms);
      CHECK(next.spawns() == 0);
      next.effects.advance(1ms);
    } else {
      next.effects.advance(0s);
    }
    CHECK(next.effects.count("spawn 1.1") == 1);
    CHECK(next.instance(1, 1).restarts() == 3);
    CHECK(next.who(1, 1).incarnation == incarnation.next());
    // One failure more, not the first.
    next.run(1, 1);
    next.exit(1, 1, Exited{4});
    CHECK(next.instance(1, 1).failures_in_a_row() == 4);
  }
}

TEST_CASE("reattach: a back-off of another boot, or a lost one, is over, and one that is too long is cut") {
  Former former;
  auto spec = whole_spec(1);
  spec->app.restart.backoff = 10s;
  spec->app.restart.backoff_max = 60s;
  former.boot_web(spec);
  former.exit(1, 1, Exited{1});
  const Remains remains = former.remains();
  for (int which : {0, 1, 2}) {
    CAPTURE(which);
    Remains changed = remains;
    if (which == 0) changed.slots->boot = "boot-0";
    if (which == 1) changed.lose_slots();
    if (which == 2) changed.slots->slots[0].restart_at = base::BootTime(24h * 3650);
    Next next(former);
    next.reattach(changed);
    next.effects.advance(0s);
    CHECK(next.spawns() == (which == 2 ? 0 : 1));
    next.effects.advance(60s);
    CHECK(next.spawns() == 1);
  }
}

TEST_CASE("reattach: what was given up stays given up, and what rests by its policy rests") {
  Former former;
  auto spec = whole_spec(2);
  spec->app.restart.max_failures = 1;
  spec->app.restart.policy = config::Restart::Policy::on_failure;
  former.boot_web(spec);
  former.exit(1, 1, Exited{1});
  former.exit(1, 2, Exited{0});
  REQUIRE(former.app.state() == "fatal");
  Next next(former);
  next.reattach(former.remains());
  next.effects.advance(1h);
  CHECK(next.app.state() == "fatal");
  CHECK(next.instance(1, 2).state() == InstanceState::stopped);
  CHECK(next.spawns() == 0);
  CHECK(next.app.failure()->find("1.1 exit 1") != std::string::npos);
  REQUIRE(next.app.start(nullptr, next.report()).has_value());
  CHECK(next.spawns() == 2);
}

TEST_CASE("reattach: a slot whose process went without a word is started anew, beside those that run") {
  Former former;
  former.boot_web();
  Remains remains = former.remains();
  remains.lose(1, 2);
  for (bool recorded : {true, false}) {
    if (!recorded) remains.lose_slots();
    Next next(former);
    next.reattach(remains);
    CHECK(next.spawns() == 0);
    next.effects.advance(0s);
    CHECK(next.spawns() == 1);
    CHECK(next.effects.count("spawn 1.2") == 1);
  }
}

TEST_CASE("reattach: an exit that the former daemon did not hear of is judged like any") {
  Former former;
  former.boot_web();
  Next next(former);
  next.reattach(former.remains());
  next.exit(1, 1, Signaled{9, false});
  CHECK(next.instance(1, 1).state() == InstanceState::backoff);
  CHECK(next.instance(1, 1).failures_in_a_row() == 1);
  CHECK(next.instance(1, 1).last_exit() == ExitStatus(Signaled{9, false}));
  // It had been healthy for long: the failures before it do not count.
  Next later(former, 1h);
  Remains remains = former.remains();
  remains.slots->slots[0].failures = 3;
  later.reattach(remains);
  CHECK(later.instance(1, 1).failures_in_a_row() == 3);
  later.exit(1, 1, Signaled{9, false});
  CHECK(later.instance(1, 1).failures_in_a_row() == 0);
  CHECK(later.instance(1, 1).state() == InstanceState::backoff);
}

TEST_CASE(
    "reattach: an exit that the former daemon had judged counts once, and its place stays free until it is "
    "gone") {
  Former former;
  auto spec = whole_spec(1);
  spec->app.restart.backoff = 10s;
  former.boot_web(spec);
  const Identity who = former.who(1, 1);
  former.app.on(who, spawn::Ended{Exited{1}});  // but not Gone
  REQUIRE(former.instance(1, 1).state() == InstanceState::backoff);
  const base::Duration delay = *former.instance(1, 1).due() - former.effects.now();
  Next next(former, 0ms);
  next.reattach(former.remains());
  CHECK(next.instance(1, 1).alive());
  next.app.on(who, spawn::Ended{Exited{1}});
  CHECK(next.instance(1, 1).state() == InstanceState::backoff);
  CHECK(next.instance(1, 1).failures_in_a_row() == 1);
  next.effects.advance(delay);
  CHECK(next.spawns() == 0);
  CHECK(next.effects.count("kill 1.1") == 1);
  next.app.on(who, spawn::Gone{});
  CHECK(next.spawns() == 1);
}

TEST_CASE(
    "reattach: what was being replaced, killed or moved is ended and started again, by whatever policy") {
  for (const char* how : {"drained", "stopping", "killed", "moved"}) {
    CAPTURE(how);
    Former former;
    auto spec = whole_spec();
    spec->app.restart.policy = config::Restart::Policy::never;
    const std::string_view way = how;
    if (way == "moved") {
      REQUIRE(former.app.start(spec, former.report()).has_value());
      former.write();
      former.run(1, 1);
      former.effects.owner = {Ownership::foreign, "port 20004 is held by pid 77 (nginx)", {}};
      former.probe(1, 1, true);
      REQUIRE(former.instance(1, 1).state() == InstanceState::killing);
    } else {
      former.boot_web(spec);
      if (way == "killed") {
        Selection one{base::GenerationId(1), base::Slot(1)};
        REQUIRE(former.app.kill(one, 0, former.report()).has_value());
      } else {
        former.app.replace(former.who(1, 1), "its socket is gone");
        if (way == "stopping") former.app.on_quiescent(former.who(1, 1));
      }
    }
    Next next(former);
    next.reattach(former.remains());
    CHECK(next.effects.count("signal 1.1 15") == 1);
    CHECK(next.app.mode() != routing::AppMode::stopped);
    CHECK(next.instance(1, 1).since() == next.effects.now());
    CHECK(next.app.slots().slots[0].state == SlotState::replacing);
    next.exit(1, 1, Exited{0});
    CHECK(next.instance(1, 1).state() == InstanceState::backoff);
    next.effects.advance(10s);
    CHECK(next.effects.count("spawn 1.1") == 1);
  }
}

TEST_CASE("reattach: instances beyond the number that is wanted end at once, also with gaps between") {
  Former former;
  former.boot_web(whole_spec(4));
  REQUIRE(former.app.scale(2, former.report()).has_value());
  former.write();
  Remains remains = former.remains();
  remains.lose(1, 3);
  Next next(former);
  next.reattach(remains);
  CHECK(next.spawns() == 0);
  CHECK(next.app.live()->wanted() == 2);
  CHECK(next.effects.count("signal 1.4 15") == 1);
  next.exit(1, 4);
  CHECK(next.app.live()->instances().size() == 2);
  next.prove(1);
  CHECK(next.app.live()->all_healthy());
  CHECK(next.spawns() == 0);
}

TEST_CASE("reattach: the last that serves stays, although it is one too many") {
  Former former;
  former.boot_web(whole_spec(2));
  former.probe(1, 1, false, 3);
  REQUIRE(former.app.scale(1, former.report()).has_value());
  former.write();
  REQUIRE(former.instance(1, 2).routable());
  Next next(former);
  next.reattach(former.remains());
  CHECK(next.instance(1, 2).unproven());
  next.app.trust_reattached();
  CHECK(next.instance(1, 2).routable());
  CHECK(next.effects.count("signal 1.2 15") == 0);
  next.probe(1, 1, true);
  CHECK(next.instance(1, 2).state() == InstanceState::draining);
}

TEST_CASE("slots: say how each slot of what is wanted fares, and do not change while nothing does") {
  Former former;
  CHECK(former.app.slots().slots.empty());
  former.boot_web();
  const SlotsRecord before = former.app.slots();
  CHECK(before.app == "web");
  CHECK(before.boot == "boot-1");
  REQUIRE(before.slots.size() == 2);
  CHECK(before.slots[0].state == SlotState::healthy);
  former.exit(1, 1, Exited{1});
  const SlotsRecord during = former.app.slots();
  CHECK(during.slots[0].state == SlotState::backoff);
  CHECK(during.slots[0].failures == 1);
  former.effects.advance(1ms);
  CHECK(former.app.slots() == during);
  former.effects.advance(10s);
  CHECK(former.app.slots().slots[0].state == SlotState::starting);
  CHECK(former.app.slots().slots[0].restarts == 1);
  CHECK(former.app.slots().slots[0].incarnation == base::Incarnation(2));
  REQUIRE(former.stop(Haste::drain, former.report()).has_value());
  CHECK(former.app.slots().slots.empty());
}
