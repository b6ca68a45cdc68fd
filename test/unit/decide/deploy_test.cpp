#include <doctest/doctest.h>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<spec::Spec> unguarded() {
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  return spec;
}

}  // namespace

TEST_CASE("deploy: starts, gates on health, records, publishes, drains, stops, in this order") {
  AppFixture f;
  f.boot(unguarded());
  auto report = f.report();
  REQUIRE(f.app.deploy(unguarded(), report).has_value());
  CHECK(f.effects.count("spawn 2.1") == 1);
  CHECK(f.effects.count("spawn 2.2") == 1);
  CHECK(f.app.live()->id().value() == 1);
  f.heal(2);
  CHECK(f.app.live()->id().value() == 1);  // not before the record is on disk
  CHECK(f.effects.count("record live=2") == 1);
  f.written();
  CHECK(f.app.live()->id().value() == 2);
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  CHECK(f.effects.count("signal 1.1 15") == 0);  // unroute, drain, then signal
  f.adopted();
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(f.effects.count("signal 1.2 15") == 0);
  f.app.on_quiescent(f.who(1, 2));
  f.exit(1, 1);
  CHECK_FALSE(report->finished());
  f.exit(1, 2);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(AppFixture::phases(*report) == "deploy start healthy cutover drained stopped done");
  CHECK(f.app.generations().size() == 1);
}

TEST_CASE("deploy: a candidate that dies before it is healthy leaves the old generation serving") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.effects.output = {"KeyError: 'SMTP_URL'"};
  f.run(2, 1);
  f.run(2, 2);
  f.exit(2, 1, spawn::Exited{1});
  CHECK_FALSE(report->finished());  // the other candidate is stopped first
  CHECK(f.effects.count("signal 2.2 15") == 1);
  f.exit(2, 2, spawn::Signaled{15, false});
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.app.mode() == routing::AppMode::live);
  // And it stays supervised: its crash is replaced from its own spec.
  f.exit(1, 1, spawn::Signaled{9, false});
  f.effects.forget();
  f.effects.advance(2s);
  CHECK(f.effects.count("spawn 1.1") == 1);
}

TEST_CASE("deploy: a candidate that never gets healthy fails at the timeout with exit 11") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.run(2, 1);
  f.run(2, 2);
  f.probe(2, 1, false, 14);
  f.effects.advance(61s);
  f.exit(2, 1);
  f.exit(2, 2);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.effects.count("record live=2") == 0);
}

TEST_CASE("deploy: a foreign listener on the port does not count as health") {
  AppFixture f;
  f.boot();
  REQUIRE(f.app.deploy(AppFixture::make_spec(1), f.report()).has_value());
  f.effects.owner = {Ownership::foreign, "port 20004 is held by pid 77", {}};
  // Until it has tried as many other ports as it may.
  for (int other = 0; other < 5; ++other) {
    f.run(2, 1);
    f.probe(2, 1, true);
    CHECK(f.instance(2, 1).state() == InstanceState::killing);
    f.exit(2, 1, spawn::Signaled{9, false});
  }
  f.run(2, 1);
  f.probe(2, 1, true);
  CHECK(f.instance(2, 1).state() == InstanceState::starting);
  CHECK(f.instance(2, 1).probe_text().find("held by pid 77") != std::string::npos);
  f.effects.owner = {Ownership::own, "", {}};
  f.probe(2, 1, true);
  CHECK(f.instance(2, 1).state() == InstanceState::healthy);
}

TEST_CASE("deploy: a state record that cannot be written stops the deploy before the cutover") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.heal(2);
  f.app.on_recorded(f.effects.records.back().first, base::fail("disk full"));
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.effects.records.back().second.live.value() == 1);  // what may be on disk is put right
  f.exit(2, 1);
  f.exit(2, 2);
  CHECK(report->lines().back().exit == ExitCode::failed);
}

TEST_CASE("deploy: a candidate that dies while the record is written is not cut over to") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.heal(2);
  std::uint64_t serial = f.effects.records.back().first;
  f.exit(2, 1, spawn::Exited{3});
  f.app.on_recorded(serial, {});
  CHECK(f.app.live()->id().value() == 1);
  f.exit(2, 2);
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
}

TEST_CASE("deploy: a second deploy of the same app is busy and says who") {
  AppFixture f;
  f.boot();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), f.report()).has_value());
  auto second = f.app.deploy(AppFixture::make_spec(), f.report());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().exit == ExitCode::busy);
  CHECK(second.error().why.find("web@2") != std::string::npos);
  CHECK(second.error().why.find("checking") != std::string::npos);
}

TEST_CASE("deploy: generation numbers only grow, failed ones are not used again") {
  AppFixture f;
  f.boot(unguarded());
  REQUIRE(f.app.deploy(unguarded(), f.report()).has_value());
  f.exit(2, 1, spawn::Exited{1});
  f.exit(2, 2);
  REQUIRE(f.app.deploy(unguarded(), f.report()).has_value());
  CHECK(f.app.generations().back()->id().value() == 3);
}

TEST_CASE("deploy: what still runs at the drain deadline is closed, then signalled after its grace") {
  AppFixture f;
  auto spec = unguarded();
  spec->app.deploy.drain_timeout = 30s;
  f.boot(spec);
  (void)f.cut_over(2, unguarded());
  f.effects.advance(29s);
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  CHECK(f.effects.count("close 1.1") == 0);
  f.effects.advance(1s);
  CHECK(f.instance(1, 1).state() == InstanceState::closing);
  CHECK(f.effects.count("close 1.1") == 1);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.effects.advance(1s);
  CHECK(f.effects.count("signal 1.1 15") == 1);
}

TEST_CASE("deploy: an app that ignores the stop signal is killed after its own stop timeout") {
  AppFixture f;
  auto spec = unguarded();
  spec->app.stop.ladder = {{20, 2s}, {15, 3s}};
  f.boot(spec);
  (void)f.cut_over(2, unguarded());
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.effects.count("signal 1.1 20") == 1);
  f.effects.advance(2s);
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(f.effects.count("kill 1.1") == 0);
  f.effects.advance(3s);
  CHECK(f.effects.count("kill 1.1") == 1);
}

TEST_CASE("deploy: a worker that does not adopt in time is named, and the deploy goes on") {
  AppFixture f;
  f.boot(unguarded());
  auto report = f.report();
  REQUIRE(f.app.deploy(unguarded(), report).has_value());
  f.heal(2);
  f.written();
  f.effects.late = {1};
  f.effects.advance(1s);
  CHECK(f.effects.count("say adoption-late worker=1") == 1);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  f.exit(1, 1);
  f.exit(1, 2);
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("deploy: aborting before the cutover stops the candidate and exits 6") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.app.abort_deploy();
  f.exit(2, 1);
  f.exit(2, 2);
  CHECK(report->lines().back().exit == ExitCode::aborted);
  CHECK(f.app.live()->healthy() == 2);
}

TEST_CASE("deploy: the fourth generation that drains ends the oldest drain") {
  AppFixture f;
  f.boot(unguarded());
  for (std::uint64_t g = 2; g <= 4; ++g) (void)f.cut_over(g, unguarded());
  CHECK(f.instance(1, 1).state() == InstanceState::draining);
  (void)f.cut_over(5, unguarded());
  CHECK(f.instance(1, 1).state() == InstanceState::stopping);
  CHECK(f.instance(2, 1).state() == InstanceState::draining);
}

TEST_CASE("deploy: an app without endpoint is healthy when it has settled, and the old one stops at once") {
  AppFixture f;
  auto worker = AppFixture::make_spec(1);
  worker->app.endpoint = config::EndpointKind::none;
  REQUIRE(f.app.start(worker, f.report()).has_value());
  f.run(1, 1);
  CHECK(f.instance(1, 1).state() == InstanceState::starting);
  f.effects.advance(5s);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  auto report = f.report();
  REQUIRE(f.app.deploy(worker, report).has_value());
  f.run(2, 1);
  f.effects.advance(5s);
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.adopted();
  f.exit(1, 1);
  CHECK(report->lines().back().exit == ExitCode::done);
}
