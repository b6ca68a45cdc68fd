#include <doctest/doctest.h>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

// Of an app whose instances are replaced when their probes fail.
std::shared_ptr<spec::Spec> replaced_when_failing(unsigned instances) {
  auto spec = AppFixture::make_spec(instances);
  spec->app.health.action = config::Health::Action::restart;
  return spec;
}

}  // namespace

TEST_CASE("app: requests wait while its first instances boot, and are served once one is healthy") {
  AppFixture f;
  CHECK(f.app.mode() == routing::AppMode::stopped);
  REQUIRE(f.app.start(AppFixture::make_spec(), f.report()).has_value());
  CHECK(f.app.mode() == routing::AppMode::hold);
  CHECK(f.app.state() == "starting");
  f.run(1, 1);
  f.probe(1, 1, true);
  CHECK(f.app.mode() == routing::AppMode::live);
  CHECK(f.app.state() == "live");
}

TEST_CASE(
    "app: a crashed instance leaves the routes at once and comes back after its back-off, from the same "
    "spec") {
  AppFixture f;
  f.boot();
  Identity first = f.who(1, 1);
  f.exit(1, 1, spawn::Signaled{9, false});
  CHECK(f.app.live()->healthy() == 1);
  CHECK(f.effects.count("publish") > 0);
  CHECK(f.effects.count("spawn 1.1") == 0);
  f.effects.advance(800ms);
  CHECK(f.effects.count("spawn 1.1") == 1);
  CHECK(f.who(1, 1).incarnation > first.incarnation);
  CHECK(f.instance(1, 1).restarts() == 1);
  f.run(1, 1);
  f.probe(1, 1, true);
  CHECK(f.app.live()->healthy() == 2);
}

TEST_CASE("app: events of an incarnation that is no more change nothing") {
  AppFixture f;
  f.boot();
  Identity old = f.who(1, 1);
  f.exit(1, 1, spawn::Signaled{9, false});
  f.effects.advance(1s);
  f.run(1, 1);
  f.probe(1, 1, true);
  f.app.on(old, spawn::Ended{spawn::Exited{1}});
  f.app.on_quiescent(old);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
}

TEST_CASE("app: an instance that keeps failing is given up after max_failures, and start tries again") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.restart.max_failures = 3;
  auto report = f.report();
  REQUIRE(f.app.start(spec, report).has_value());
  for (int i = 0; i < 3; ++i) {
    f.run(1, 1);
    f.exit(1, 1, spawn::Exited{1});
    f.effects.advance(40s);
  }
  CHECK(f.instance(1, 1).state() == InstanceState::fatal);
  CHECK(f.app.state() == "fatal");
  CHECK(f.app.mode() == routing::AppMode::crash_loop);
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
  f.effects.forget();
  REQUIRE(f.app.start(spec, f.report()).has_value());
  CHECK(f.effects.count("spawn 1.1") == 1);
}

TEST_CASE("app: in a back-off longer than hold requests are refused at once") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.deploy.hold = 1s;
  spec->app.restart.backoff = 20s;
  f.boot(spec);
  f.exit(1, 1, spawn::Exited{1});
  CHECK(f.app.mode() == routing::AppMode::crash_loop);
  CHECK(f.app.state() == "backoff");
}

TEST_CASE("app: stop drains before it signals, start brings the same generation back") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.stop(Haste::drain, report).has_value());
  CHECK(f.app.mode() == routing::AppMode::stopped);
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 0);
  CHECK_FALSE(f.app.start(AppFixture::make_spec(), f.report()).has_value());  // still stopping
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  f.exit(1, 1);
  f.exit(1, 2);
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(f.app.state() == "stopped");
  REQUIRE(f.app.start(AppFixture::make_spec(), f.report()).has_value());
  f.heal(1);
  CHECK(f.app.state() == "live");
}

TEST_CASE("app: stop --now signals without a drain") {
  AppFixture f;
  f.boot();
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  CHECK(f.effects.count("signal 1.1 15") == 1);
}

TEST_CASE("app: a stopped instance is over only when its whole group is gone") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.written();
  Identity who = f.who(1, 1);
  f.app.on(who, spawn::Ended{spawn::Exited{0}});
  CHECK_FALSE(report->finished());
  f.app.on(who, spawn::Gone{});
  CHECK(report->finished());
}

TEST_CASE("app: failing probes unroute an instance, but never the last routable one") {
  AppFixture f;
  f.boot();
  f.probe(1, 1, false, 3);
  CHECK(f.instance(1, 1).state() == InstanceState::unhealthy);
  f.probe(1, 2, false, 3);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  CHECK(f.app.mode() == routing::AppMode::live);
  f.probe(1, 1, true);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  // Now there is another one: the failing one goes.
  CHECK(f.instance(1, 2).state() == InstanceState::unhealthy);
}

TEST_CASE("app: with health.action = restart a failing instance is drained, stopped and started anew") {
  AppFixture f;
  f.boot(replaced_when_failing(2));
  f.probe(1, 1, false, 3);
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.exit(1, 1);
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  f.app.on_timer(f.who(1, 1), InstanceTimer::restart);
  CHECK(f.instance(1, 1).state() == InstanceState::spawning);
  f.run(1, 1);
  f.probe(1, 1, true);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  CHECK(f.app.mode() == routing::AppMode::live);
}

TEST_CASE("app: health.action = restart replaces the last routable instance too, and requests wait for it") {
  AppFixture f;
  f.boot(replaced_when_failing(1));
  f.probe(1, 1, false, 3);
  CHECK(f.app.mode() == routing::AppMode::hold);
  f.app.on_timer(f.who(1, 1), InstanceTimer::drain_deadline);
  CHECK(f.instance(1, 1).state() == InstanceState::closing);
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.app.mode() == routing::AppMode::hold);
  f.exit(1, 1, spawn::Signaled{9, false});
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
}

TEST_CASE("app: a stop ends an instance that is being replaced for good") {
  AppFixture f;
  f.boot(replaced_when_failing(1));
  f.probe(1, 1, false, 3);
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.written();
  f.exit(1, 1);
  CHECK(report->finished());
  CHECK(f.app.state() == "stopped");
}

TEST_CASE(
    "app: health.action = restart replaces one failing instance after the other, and one always serves") {
  AppFixture f;
  f.boot(replaced_when_failing(2));
  f.probe(1, 1, false, 3);
  f.probe(1, 2, false, 3);
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  CHECK(f.app.mode() == routing::AppMode::live);
  f.app.on_quiescent(f.who(1, 1));
  f.exit(1, 1);
  f.app.on_timer(f.who(1, 1), InstanceTimer::restart);
  f.run(1, 1);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  f.probe(1, 1, true);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  CHECK(f.instance(1, 2).state() == InstanceState::draining);
}

TEST_CASE("app: health.action = restart replaces the last routable instance when no other is to come") {
  AppFixture f;
  auto spec = AppFixture::make_spec();
  spec->app.health.action = config::Health::Action::restart;
  spec->app.restart.max_failures = 1;
  f.boot(spec);
  f.exit(1, 1, spawn::Exited{1});
  REQUIRE(f.instance(1, 1).state() == InstanceState::fatal);
  f.probe(1, 2, false, 3);
  CHECK(f.instance(1, 2).state() == InstanceState::draining);
}

TEST_CASE("app: an instance that is replaced and survives SIGKILL leaves its slot to the next one") {
  AppFixture f;
  f.boot(replaced_when_failing(1));
  f.probe(1, 1, false, 3);
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_timer(f.who(1, 1), InstanceTimer::stop_step);
  REQUIRE(f.instance(1, 1).state() == InstanceState::killing);
  f.app.on(f.who(1, 1), spawn::Unkillable{});
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  f.effects.advance(500ms);
  CHECK(f.instance(1, 1).state() == InstanceState::spawning);
}

TEST_CASE("app: an instance that is being replaced at a stop is not started again, however it ends") {
  AppFixture f;
  f.boot(replaced_when_failing(1));
  f.probe(1, 1, false, 3);
  auto report = f.report();
  REQUIRE(f.stop(Haste::drain, report).has_value());
  f.written();
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_timer(f.who(1, 1), InstanceTimer::stop_step);
  f.app.on(f.who(1, 1), spawn::Unkillable{});
  CHECK(report->finished());
  CHECK(f.app.state() == "stopped");
}

TEST_CASE("app: a start that fails its health until the timeout says so and is tried again") {
  AppFixture f;
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(1), report).has_value());
  f.run(1, 1);
  f.effects.advance(60s);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  f.exit(1, 1, Signaled{15});
  f.effects.advance(2s);
  f.heal(1);
  CHECK(f.app.state() == "live");
}

TEST_CASE(
    "app: the end of the daemon stops every generation, and a second request does not wait for drains") {
  AppFixture f;
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  f.boot(spec);
  (void)f.cut_over(2, spec);
  f.app.shut_down(Haste::drain);
  CHECK(f.instance(2, 1).state() == InstanceState::draining);
  f.app.shut_down(Haste::signal);
  CHECK(f.effects.count("signal 2.1 15") == 1);
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.app.shut_down(Haste::kill);
  CHECK(f.effects.count("kill 1.1") == 1);
  for (unsigned slot : {1U, 2U}) {
    f.exit(1, slot);
    f.exit(2, slot);
  }
  CHECK(f.app.ended());
}

TEST_CASE(
    "app: what a killed instance was serving is cut, not what one may still finish that was signalled") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(f.effects.count("close 1.1") == 0);
  f.effects.forget();
  f.effects.advance(30s);
  CHECK(f.effects.count("close 1.1") == 1);
  CHECK(f.effects.count("publish") == 1);
  CHECK(f.effects.count("kill 1.1") == 1);
}

TEST_CASE("app: an unkillable process does not keep a stop waiting for ever") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.written();
  f.effects.advance(30s);
  CHECK(f.effects.count("kill 1.1") == 1);
  f.app.on(f.who(1, 1), spawn::Unkillable{});
  CHECK(report->finished());
}

TEST_CASE("app: while its start at boot is expected clients wait, and it is said to be starting") {
  AppFixture f;
  f.app.expect_start(true);
  CHECK(f.app.mode() == routing::AppMode::hold);
  CHECK(f.app.state() == "starting");
  CHECK(f.app.ended());
  CHECK(f.effects.calls == std::vector<std::string>{"publish"});
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report()).has_value());
  CHECK(f.effects.count("spawn 1.1") == 1);
  CHECK(f.app.mode() == routing::AppMode::hold);
  f.heal(1);
  CHECK(f.app.state() == "live");
}

TEST_CASE("app: one whose start at boot is given up is stopped, and nothing is left of it") {
  AppFixture f;
  f.app.expect_start(true);
  f.app.expect_start(false);
  CHECK(f.app.mode() == routing::AppMode::stopped);
  CHECK(f.app.state() == "stopped");
  f.app.shut_down(Haste::drain);
  CHECK(f.app.ended());
  CHECK(f.effects.calls == std::vector<std::string>{"publish", "publish", "publish"});
}
