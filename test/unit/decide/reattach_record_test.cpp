// What a record says against reattaching: processes that it does not know, another boot, a stop, a removal.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE(
    "reattach: what the record does not know is the caller's to end, and is never taken for an instance") {
  Former former;
  former.boot_web();
  Remains remains = former.remains();
  const Identity known = remains.children[0].who;
  const auto with = [&](auto change) {
    FoundChild child = remains.children[0];
    change(child.who);
    return child;
  };
  std::vector<FoundChild> strange = {
      with([](Identity& w) { w.generation = base::GenerationId(2); }),
      with([](Identity& w) { w.generation = base::GenerationId(~std::uint64_t{0}); }),
      with([](Identity& w) { w.generation = base::GenerationId(0); }),
      with([](Identity& w) { w.slot = base::Slot(0); }),
      with([](Identity& w) { w.slot = base::Slot(1001); }),
      with([](Identity& w) { w.slot = base::Slot(~std::uint32_t{0}); }),
      with([](Identity& w) { w.incarnation = base::Incarnation(0); }),
      with([](Identity& w) { w.app = base::AppId(2); }),
  };
  for (const FoundChild& one : strange) remains.children.push_back(one);
  Next next(former);
  next.reattach(remains);
  REQUIRE(next.strangers.size() == strange.size());
  for (std::size_t i = 0; i < strange.size(); ++i) CHECK(next.strangers[i] == strange[i].who);
  CHECK(next.app.live()->instances().size() == 2);
  CHECK(next.who(1, 1) == known);
  CHECK(next.app.generations().size() == 1);
  // The number of a deploy whose begin did not get to the disk is used up all the same.
  CHECK(next.app.last_generation() == base::GenerationId(2));
}

TEST_CASE(
    "reattach: of two processes in one slot the newer is the slot's, in whatever order they are found") {
  for (bool turned : {false, true}) {
    Former former;
    former.boot_web(whole_spec(1));
    Remains remains = former.remains();
    FoundChild newer = remains.children[0];
    newer.who.incarnation = base::Incarnation(9);
    remains.children.insert(turned ? remains.children.begin() : remains.children.end(), newer);
    Next next(former);
    next.reattach(remains);
    REQUIRE(next.strangers.size() == 1);
    CHECK(next.strangers[0].incarnation == base::Incarnation(1));
    CHECK(next.who(1, 1) == newer.who);
    // What is recorded is of the other one.
    CHECK_FALSE(next.instance(1, 1).unproven());
    CHECK(next.instance(1, 1).state() == InstanceState::starting);
  }
}

TEST_CASE("reattach: a record of another boot or of version 1 leaves the app as it was") {
  Former former;
  former.boot_web();
  (void)former.guard();
  for (const char* boot : {"boot-0", ""}) {
    Remains remains = former.remains();
    remains.state.boot = boot;
    Next next(former);
    next.reattach(remains);
    CHECK(next.strangers.size() == 4);
    CHECK(next.app.live() == nullptr);
    CHECK(next.effects.calls.empty());
    // As today: the old generation is back.
    REQUIRE(next.app.start(remains.state.live_spec, next.report(), remains.state.live).has_value());
    CHECK(next.live() == 1);
    CHECK(next.spawns() == 2);
  }
}

TEST_CASE("reattach: times that cannot be are taken for the present, and slots of another app for none") {
  Former former;
  former.boot_web();
  Remains remains = former.remains();
  remains.children[0].started = base::BootTime(24h * 36'000);
  remains.children[1].started = base::BootTime::min();
  remains.slots->app = "api";
  Next next(former);
  next.reattach(remains);
  CHECK(next.instance(1, 1).spawned_at() == next.effects.now());
  CHECK(next.instance(1, 2).spawned_at() < next.effects.now());
  CHECK(next.instance(1, 1).state() == InstanceState::starting);
}

TEST_CASE("reattach: processes of a stopped app are ended by its ladder, and it stays stopped") {
  Former former;
  former.boot_web();
  REQUIRE(former.stop(Haste::drain, former.report()).has_value());
  former.write();
  Next next(former);
  next.reattach(former.remains());
  CHECK(next.effects.count("signal 1.1 15") == 1);
  CHECK(next.app.state() == "stopping");
  next.effects.advance(31s);
  CHECK(next.effects.count("kill 1.1") == 1);
  next.exit(1, 1, Signaled{9, false});
  next.exit(1, 2, Signaled{9, false});
  CHECK(next.app.state() == "stopped");
  next.effects.advance(1h);
  CHECK(next.spawns() == 0);
}

TEST_CASE("reattach: an app that was being removed ends, and only its number stays") {
  Former former;
  former.boot_web();
  former.app.remove(former.report());
  former.write();
  const Remains remains = former.remains();
  CHECK(remains.state.live_spec == nullptr);
  Next next(former);
  next.reattach(remains);
  CHECK_FALSE(next.app.wanted());
  CHECK(next.effects.count("signal 1.1 15") == 1);
  next.end_stopping();
  CHECK(next.app.ended());
  CHECK(next.app.live() == nullptr);
  CHECK(next.effects.records.back().second.leaving.empty());
  CHECK(next.effects.records.back().second.last_generation == base::GenerationId(1));
}
