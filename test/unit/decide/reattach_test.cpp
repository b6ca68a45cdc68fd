// Instances that run on under a new daemon: when they serve, and by whose judgement.
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
