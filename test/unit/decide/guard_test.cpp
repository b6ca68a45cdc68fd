#include <doctest/doctest.h>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("guard: the old generation is drained but not signalled before the guard is over") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  CHECK(f.instance(1, 1).state() == InstanceState::drained);
  CHECK(f.instance(1, 1).probed());
  f.effects.advance(9s);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  CHECK_FALSE(f.app.deploy(AppFixture::make_spec(), f.report()).has_value());
  f.effects.advance(1s);
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(f.effects.count("signal 1.2 15") == 1);
  f.exit(1, 1);
  f.exit(1, 2);
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(AppFixture::phases(*report) == "deploy start healthy cutover drained guard stopped done");
}

TEST_CASE("guard: the deploy slot is free at its end although the old generation still drains") {
  AppFixture f;
  f.boot();
  (void)f.cut_over(2, AppFixture::make_spec());
  f.effects.advance(10s);
  f.written();
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  CHECK(f.app.deploy(AppFixture::make_spec(), f.report()).has_value());
}

TEST_CASE("guard: a new instance that exits swaps the old generation back, exit 13") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.app.on_quiescent(f.who(1, 1));
  f.effects.forget();
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.instance(2, 2).state() == InstanceState::draining);
  CHECK(f.effects.count("record live=1") == 1);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.app.on_quiescent(f.who(2, 2));
  f.exit(2, 2);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::rolled_back);
  // Drain deadlines of the generation that came back are void.
  f.effects.forget();
  f.effects.advance(120s);
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.effects.count("signal 1.1 15") == 0);
}

TEST_CASE("guard: new instances that fail their probes swap the old generation back") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.probe(2, 1, false, 2);
  CHECK(f.app.live()->id().value() == 2);
  f.probe(2, 1, false, 3);
  CHECK(f.app.live()->id().value() == 1);
  CHECK(AppFixture::phases(*report).find("cutback") != std::string::npos);
}

TEST_CASE(
    "guard: an old instance past its drain deadline is cut but not signalled before the guard is over") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.deploy.drain_timeout = 2s;
  f.boot(spec);
  auto report = f.cut_over(2, spec);
  f.effects.advance(9s);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.app.live()->healthy() == 1);
}

TEST_CASE("guard: an old instance that was cut at its drain deadline is signalled when the guard is over") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.deploy.drain_timeout = 2s;
  f.boot(spec);
  auto report = f.cut_over(2, spec);
  f.effects.advance(10s);
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.exit(1, 1);
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("guard: an old instance that was being replaced does not come back as healthy") {
  AppFixture f;
  auto spec = AppFixture::make_spec();
  spec->app.health.action = config::Health::Action::restart;
  f.boot(spec);
  f.probe(1, 1, false, 3);
  REQUIRE(f.instance(1, 1).state() == InstanceState::draining);
  (void)f.cut_over(2, spec);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.app.live()->healthy() == 1);
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  f.app.on_quiescent(f.who(1, 1));
  f.exit(1, 1);
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
}

TEST_CASE("guard: an old instance that was being stopped to be replaced is started again after a cut-back") {
  AppFixture f;
  auto spec = AppFixture::make_spec();
  spec->app.health.action = config::Health::Action::restart;
  f.boot(spec);
  f.probe(1, 1, false, 3);
  f.app.on_quiescent(f.who(1, 1));
  REQUIRE(f.instance(1, 1).state() == InstanceState::stopping);
  (void)f.cut_over(2, spec);
  f.exit(2, 1, spawn::Exited{1});
  REQUIRE(f.app.live()->id().value() == 1);
  f.exit(1, 1);
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  f.effects.advance(1s);
  CHECK(f.instance(1, 1).state() == InstanceState::spawning);
}

TEST_CASE("guard: old instances whose probes fail are nothing to go back to") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  (void)f.cut_over(2, AppFixture::make_spec(1));
  f.probe(1, 1, false, 3);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 2);
}

TEST_CASE("guard: without an old instance to go back to, the new generation stays") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.exit(1, 1, spawn::Signaled{9, false});
  f.exit(1, 2, spawn::Signaled{9, false});
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 2);
  CHECK(f.app.live()->healthy() == 1);
  f.probe(2, 2, true);  // whatever else happens during the guard, it is said once
  CHECK(f.effects.count("say guard-alert app=web cause=\"no old instance to go back to\"") == 1);
  f.effects.advance(10s);
  f.written();
  CHECK(report->finished());
}

TEST_CASE("guard: the first deploy of a stopped app has nothing to guard against") {
  AppFixture f;
  auto report = f.cut_over(1, AppFixture::make_spec());
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(f.app.mode() == routing::AppMode::live);
}

TEST_CASE("guard: instances at Unix sockets are probed, drained and guarded like those on ports") {
  for (auto kind : {config::EndpointKind::socket, config::EndpointKind::fd}) {
    CAPTURE(static_cast<int>(kind));
    AppFixture f;
    auto spec = AppFixture::make_spec(1);
    spec->app.endpoint = kind;
    f.boot(spec);
    CHECK(f.instance(1, 1).probed());
    (void)f.cut_over(2, spec);
    CHECK(f.instance(1, 1).state() == InstanceState::draining);
    f.app.on_quiescent(f.who(1, 1));
    CHECK(f.instance(1, 1).state() == InstanceState::drained);
    CHECK(f.effects.count("signal 1.1 15") == 0);
    f.exit(2, 1);
    CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  }
}
