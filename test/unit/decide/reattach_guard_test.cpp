// A daemon that is killed within a deploy's guard: what the next one does in the rest of it.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("reattach: a guard lasts for the rest of its time, and is confirmed, finished and told as done") {
  Former former;
  former.boot_web();
  (void)former.guard();
  former.effects.advance(2s);
  Next next(former, 1s);
  next.reattach(former.remains());
  CHECK(next.app.guarding());
  CHECK(next.instance(1, 1).state() == InstanceState::drained);
  CHECK(next.instance(1, 1).probed());
  next.prove(2);
  next.effects.advance(7s - 1ms);
  CHECK(next.effects.records.empty());
  CHECK_FALSE(next.app.can_deploy().has_value());
  next.effects.advance(1ms);
  REQUIRE(next.effects.records.size() == 1);
  CHECK(next.effects.records.back().second.live == base::GenerationId(2));
  CHECK(next.effects.count("signal 1.1 15") == 0);
  next.written();
  CHECK(next.effects.count("signal 1.1 15") == 1);
  next.end_stopping();
  CHECK(next.exit_code() == ExitCode::done);
  CHECK(AppFixture::phases(*next.effects.remembered[0]) == "deploy guard stopped done");
  CHECK(next.effects.remembered[0]->lines().front().text ==
        "web@2 (was @1)  the daemon was restarted meanwhile; the guard goes on for 7.0 s, and counts begin "
        "anew");
  CHECK(next.effects.remembered[0]->began() == former.effects.now() - 2s);
}

TEST_CASE("reattach: a guard goes on for as long as a failure takes to be found, whatever the record says") {
  for (auto ends : {base::BootTime(0s), base::BootTime(1h), base::BootTime(24h * 36'500)}) {
    Former former;
    former.boot_web();
    (void)former.guard();
    Remains remains = former.remains();
    remains.state.deploys[0].guard_ends = ends;
    Next next(former);
    next.reattach(remains);
    // unhealthy_after x guard_interval; or the guard of the configuration, if the record says more.
    const base::Duration rest = ends > base::BootTime(2h) ? 10s : 3s;
    next.prove(2);
    next.effects.advance(rest - 1ms);
    CHECK(next.app.guarding());
    CHECK(next.effects.records.empty());
    next.effects.advance(1ms);
    CHECK(next.effects.records.size() == 1);
  }
}

TEST_CASE("reattach: within a guard, a new instance that fails or ends still cuts back") {
  struct Failure {
    const char* name;
    std::function<void(Next&)> fail;
    const char* cause;
  };
  const std::vector<Failure> failures = {
      {"ended before", [](Next& n) { n.exit(2, 1, Exited{1}); }, "2.1 exit 1"},
      {"ends once it is proven",
       [](Next& n) {
         n.prove(2);
         n.exit(2, 1, Signaled{9, false});
       },
       "2.1 signal 9 (KILL)"},
      {"hangs", [](Next& n) { n.probe(2, 1, false, 3); }, "2.1 unhealthy: "},
  };
  for (const Failure& one : failures) {
    CAPTURE(one.name);
    Former former;
    former.boot_web();
    (void)former.guard();
    Next next(former);
    next.reattach(former.remains());
    next.probe(2, 1, false, 2);
    CHECK(next.live() == 2);
    one.fail(next);
    CHECK(next.live() == 1);
    CHECK(next.app.live()->healthy() == 2);
    CHECK(next.effects.count("signal 1.1 15") == 0);
    CHECK(next.effects.records.back().second.live == base::GenerationId(1));
    if (next.instance(2, 2).state() == InstanceState::draining) next.app.on_quiescent(next.who(2, 2));
    if (next.instance(2, 1).state() == InstanceState::draining) next.app.on_quiescent(next.who(2, 1));
    next.end_stopping();
    CHECK(next.exit_code() == ExitCode::rolled_back);
    CHECK(next.told().find(one.cause) != std::string::npos);
  }
}

TEST_CASE(
    "reattach: within a guard, a slot of the new generation without a process cuts back, and is not filled") {
  Former former;
  former.boot_web();
  (void)former.guard();
  Remains remains = former.remains();
  remains.lose(2, 2);
  Next next(former);
  next.reattach(remains);
  CHECK(next.live() == 1);
  next.effects.advance(1s);
  CHECK(next.spawns() == 0);
  if (next.instance(2, 1).state() == InstanceState::draining) next.app.on_quiescent(next.who(2, 1));
  next.end_stopping();
  CHECK(next.exit_code() == ExitCode::rolled_back);
}

TEST_CASE(
    "reattach: within a guard, old instances that failed or were being replaced are nothing to go back to") {
  Former former;
  auto spec = whole_spec(1);
  former.boot_web(spec);
  (void)former.guard(whole_spec(1));
  former.probe(1, 1, false, 3);
  Remains remains = former.remains();
  Next next(former);
  next.reattach(remains);
  next.exit(2, 1, Exited{1});
  CHECK(next.live() == 2);
  CHECK(next.effects.count("say guard-alert app=web cause=\"no old instance to go back to\"") == 1);
  // Its probes pass again.
  next.probe(1, 1, true, 1);
  CHECK(next.live() == 1);

  Next another(former);
  remains.slots->slots.back().state = SlotState::replacing;
  another.reattach(remains);
  CHECK(another.effects.count("signal 1.1 15") == 1);
  CHECK(another.app.slots().slots.back().state == SlotState::replacing);
  another.exit(2, 1, Exited{1});
  CHECK(another.live() == 2);
}

TEST_CASE("reattach: the old generation of a guard that ends meanwhile is told by its events") {
  Former former;
  former.boot_web();
  (void)former.guard();
  Next next(former);
  next.reattach(former.remains());
  next.exit(1, 1, Exited{3});
  next.exit(1, 2, Exited{3});
  CHECK(next.live() == 2);
  CHECK(next.instance(1, 1).ended());
  next.prove(2);
  next.effects.advance(10s);
  next.written();
  CHECK(next.exit_code() == ExitCode::done);
}

TEST_CASE("reattach: a daemon that is killed twice within a guard goes on like one that was killed once") {
  Former former;
  former.boot_web();
  (void)former.guard();
  Next next(former);
  next.reattach(former.remains());
  const Remains again{former.remains().state, next.app.slots(), former.remains().children};
  Next last(former, 100ms);
  last.reattach(again);
  CHECK(last.live() == 2);
  CHECK(last.app.guarding());
  last.app.trust_reattached();
  CHECK(last.app.live()->healthy() == 2);
}
