// Instances under a new daemon: what serves, what waits, what is started, and what is not the app's.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

routing::ProbeReport passing(std::uint64_t in_a_row = 1) {
  routing::ProbeReport report;
  report.tries = in_a_row;
  report.passes_in_a_row = in_a_row;
  return report;
}

std::shared_ptr<Spec> careful() {
  auto spec = whole_spec();
  spec->app.health.healthy_after = 3;
  return spec;
}

std::shared_ptr<Spec> worker(unsigned instances = 1) {
  auto spec = whole_spec(instances);
  spec->app.endpoint = config::EndpointKind::none;
  spec->app.routes.clear();
  spec->app.deploy.settle = 2s;
  return spec;
}

void boot_careful(Former& f) {
  REQUIRE(f.app.start(careful(), f.report()).has_value());
  for (unsigned slot : {1U, 2U}) {
    f.run(1, slot);
    f.probe(1, slot, true, 3);
  }
  f.write();
  f.adopted();
}

}  // namespace

TEST_CASE(
    "reattach: what was healthy serves from its first passing probe on, and its owner is not asked for") {
  Former former;
  boot_careful(former);
  former.effects.advance(10min);
  Next next(former);
  next.reattach(former.remains());
  CHECK(next.app.state() == "starting");
  CHECK(next.app.mode() == routing::AppMode::hold);
  CHECK(next.app.live()->healthy() == 0);
  CHECK(next.instance(1, 1).probed());
  CHECK(next.effects.count("publish") > 0);
  CHECK_FALSE(next.app.needs_owner(next.who(1, 1), passing(3)));
  CHECK_FALSE(next.app.needs_owner(next.who(1, 1), spawn::ProcessEvent(spawn::Ended{Exited{1}})));
  next.probe(1, 1, true);
  CHECK(next.app.live()->healthy() == 1);
  CHECK(next.app.state() == "live");
  CHECK(next.instance(1, 1).since() == former.effects.now() - 10min);
  CHECK(next.instance(1, 1).spawned_at() == former.effects.now() - 10min);
  CHECK(next.owners_asked == 0);
  CHECK(next.spawns() == 0);
  CHECK(next.effects.records.empty());  // nothing has changed that a record says
  // From then on it is one like any other.
  next.probe(1, 1, false, 3);
  CHECK(next.instance(1, 1).failing());
}

TEST_CASE("reattach: what was not healthy yet starts on, with its owner, as every instance does") {
  for (bool recorded : {true, false}) {
    CAPTURE(recorded);
    Former former;
    REQUIRE(former.app.start(careful(), former.report()).has_value());
    former.write();
    former.run(1, 1);
    former.probe(1, 1, true, 2);
    Remains remains = former.remains();
    if (!recorded) remains.lose_slots();
    Next next(former);
    next.reattach(remains);
    CHECK(next.instance(1, 1).state() == InstanceState::starting);
    CHECK(next.instance(1, 2).state() == InstanceState::spawning);
    next.app.trust_reattached();
    CHECK(next.app.live()->healthy() == 0);
    next.probe(1, 1, true, 2);
    CHECK(next.app.live()->healthy() == 0);
    next.probe(1, 1, true, 3);
    CHECK(next.app.live()->healthy() == 1);
    CHECK(next.owners_asked == 1);
    // Its program had not begun so far, or the former daemon did not get to know.
    next.run(1, 2);
    CHECK(next.instance(1, 2).state() == InstanceState::starting);
    CHECK(next.spawns() == 0);
  }
}

TEST_CASE("reattach: a stranger that answers in place of what was not healthy yet is found out") {
  Former former;
  REQUIRE(former.app.start(careful(), former.report()).has_value());
  former.write();
  former.run(1, 1);
  Next next(former);
  next.reattach(former.remains());
  next.effects.owner = {Ownership::foreign, "port 20004 is held by pid 77 (nginx)", {}};
  next.probe(1, 1, true, 3);
  CHECK(next.instance(1, 1).state() == InstanceState::killing);
  CHECK(next.effects.count("kill 1.1") == 1);
}

TEST_CASE(
    "reattach: what was out of the routes stays out of them until its probes pass as often as they must") {
  Former former;
  boot_careful(former);
  former.probe(1, 1, false, 3);
  REQUIRE(former.instance(1, 1).state() == InstanceState::unhealthy);
  Next next(former);
  next.reattach(former.remains());
  next.app.trust_reattached();
  CHECK(next.instance(1, 1).state() == InstanceState::unhealthy);
  CHECK(next.instance(1, 2).state() == InstanceState::healthy);
  next.probe(1, 1, true, 2);
  CHECK_FALSE(next.instance(1, 1).routable());
  next.probe(1, 1, true, 3);
  CHECK(next.instance(1, 1).routable());
}

TEST_CASE("trust: an app without a passing probe serves with all that was healthy, and the probes judge") {
  Former former;
  former.boot_web();
  Next next(former);
  next.reattach(former.remains());
  next.effects.advance(100ms);
  next.effects.forget();
  next.app.trust_reattached();
  CHECK(next.app.live()->healthy() == 2);
  CHECK(next.app.mode() == routing::AppMode::live);
  CHECK(next.effects.count("publish") > 0);
  CHECK(next.instance(1, 1).since() == former.effects.now());
  next.probe(1, 1, false, 3);
  CHECK_FALSE(next.instance(1, 1).routable());
  // The last one stays, as ever.
  next.probe(1, 2, false, 3);
  CHECK(next.instance(1, 2).routable());
}

TEST_CASE("trust: one passing probe is enough for the app, and the others have to pass theirs") {
  Former former;
  former.boot_web();
  Next next(former);
  next.reattach(former.remains());
  next.probe(1, 2, true);
  next.app.trust_reattached();
  CHECK(next.app.live()->healthy() == 1);
  // What hangs is found out, by health.action.
  next.probe(1, 1, false, 2);
  CHECK(next.instance(1, 1).unproven());
  next.probe(1, 1, false, 3);
  CHECK(next.instance(1, 1).state() == InstanceState::unhealthy);
  CHECK_FALSE(next.instance(1, 1).unproven());
  next.probe(1, 1, true, 1);
  CHECK(next.instance(1, 1).routable());
}

TEST_CASE("trust: what hangs since the restart is replaced where health.action asks for it") {
  Former former;
  auto spec = whole_spec();
  spec->app.health.action = config::Health::Action::restart;
  former.boot_web(spec);
  Next next(former);
  next.reattach(former.remains());
  next.probe(1, 2, true);
  next.probe(1, 1, false, 3);
  CHECK(next.instance(1, 1).state() == InstanceState::draining);
  CHECK(next.effects.count("signal 1.1 15") == 0);
  next.app.on_quiescent(next.who(1, 1));
  CHECK(next.effects.count("signal 1.1 15") == 1);
  next.exit(1, 1);
  CHECK(next.instance(1, 1).state() == InstanceState::backoff);
}

TEST_CASE("trust: an app that is stopped, or has nothing, is left alone") {
  Next next{Former()};
  next.app.trust_reattached();
  CHECK(next.effects.calls.empty());
}

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
    if (which == 2) changed.slots->slots[0].restart_at = spec::BootTime(24h * 3650);
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

TEST_CASE("reattach: an app without an endpoint settles by the age of its processes") {
  Former former;
  REQUIRE(former.app.start(worker(2), former.report()).has_value());
  former.write();
  former.run(1, 1);
  former.effects.advance(500ms);
  {
    Next next(former, 500ms);
    next.reattach(former.remains());
    CHECK(next.instance(1, 1).state() == InstanceState::starting);
    CHECK_FALSE(next.instance(1, 1).probed());
    next.effects.advance(1s - 1ms);
    CHECK(next.app.live()->healthy() == 0);
    next.effects.advance(1ms);
    CHECK(next.app.live()->healthy() == 1);
    // Not known to run: it settles from then on.
    next.run(1, 2);
    next.effects.advance(2s - 1ms);
    CHECK(next.app.live()->healthy() == 1);
    next.effects.advance(1ms);
    CHECK(next.app.live()->healthy() == 2);
  }
  former.run(1, 2);
  former.effects.advance(2s);
  REQUIRE(former.app.live()->healthy() == 2);
  Remains remains = former.remains();
  for (bool recorded : {true, false}) {
    if (!recorded) remains.lose_slots();
    Next next(former);
    next.reattach(remains);
    CHECK(next.app.live()->healthy() == 2);
    CHECK(next.app.mode() == routing::AppMode::live);
    CHECK(next.instance(1, 1).since() == next.instance(1, 1).spawned_at());
  }
}

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
  remains.children[0].started = spec::BootTime(24h * 36'000);
  remains.children[1].started = spec::BootTime::min();
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
