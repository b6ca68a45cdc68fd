// Starts that wait for their turn, and starts that take too long.
#include <doctest/doctest.h>

#include <algorithm>

#include "restart_fixture.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

bool told(const RecordingEffects& effects, const std::string& text) {
  return std::ranges::any_of(effects.calls,
                             [&](const std::string& call) { return call.find(text) != call.npos; });
}

std::shared_ptr<Spec> spec_with(config::Restart::Policy policy, unsigned max_failures = 0) {
  auto spec = AppFixture::make_spec(1);
  spec->app.restart.policy = policy;
  spec->app.restart.max_failures = max_failures;
  return spec;
}

// It hangs until its time is over, is asked to end, and does.
void hang(AppFixture& f) {
  f.run(1, 1);
  for (int i = 0; i < 60 && f.instance(1, 1).state() == InstanceState::starting; ++i) f.effects.advance(1s);
  REQUIRE(f.instance(1, 1).state() == InstanceState::stopping);
  f.exit(1, 1, Signaled{15});
}

TEST_CASE("start limit: a place is kept until an instance is healthy, without an endpoint until it runs") {
  AppFixture web;
  REQUIRE(web.app.start(AppFixture::make_spec(1), web.report()).has_value());
  web.run(1, 1);
  CHECK(web.effects.starts.starting() == 1);
  web.probe(1, 1, true);
  CHECK(web.effects.starts.starting() == 0);

  AppFixture jobs;
  auto worker = AppFixture::make_spec(1);
  worker->app.endpoint = config::EndpointKind::none;
  REQUIRE(jobs.app.start(worker, jobs.report()).has_value());
  CHECK(jobs.effects.starts.starting() == 1);
  jobs.run(1, 1);
  CHECK(jobs.instance(1, 1).state() == InstanceState::starting);
  CHECK(jobs.effects.starts.starting() == 0);
}

TEST_CASE("start timeout: an instance that hangs at boot is told, ended and started again after a pause") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report(), {}, Urgency::boot).has_value());
  f.run(1, 1);
  f.effects.advance(60s - 1ms);
  CHECK(f.instance(1, 1).state() == InstanceState::starting);
  f.effects.advance(1ms);
  CHECK(f.instance(1, 1).state() == InstanceState::stopping);
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(told(f.effects, "say start-timeout app=web instance=1.1 after_s=60.0"));
  CHECK(told(f.effects, "say start-failed app=web generation=1 exit=11"));
  // Its clients may wait for the next one.
  CHECK(f.app.mode() == routing::AppMode::hold);
  f.exit(1, 1, Signaled{15});
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  CHECK(f.instance(1, 1).failures_in_a_row() == 1);
  CHECK(f.instance(1, 1).last_exit() == ExitStatus(spawn::StartTimedOut{60s}));
  f.effects.advance(2s);
  CHECK(f.effects.count("spawn 1.1") == 2);
  f.heal(1);
  CHECK(f.app.state() == "live");
  f.effects.advance(10min);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
}

TEST_CASE(
    "start timeout: a command that came later is answered when the instance's time is over, not its own") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report()).has_value());
  f.run(1, 1);
  f.effects.advance(5s);
  auto report = f.report();
  REQUIRE(f.app.start(nullptr, report).has_value());
  f.effects.advance(55s - 1ms);
  CHECK_FALSE(report->finished());
  f.effects.advance(1ms);
  CHECK(f.instance(1, 1).state() == InstanceState::stopping);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  CHECK(report->lines().back().text.find("; it is ended, and started again after a pause") !=
        std::string::npos);
}

TEST_CASE("start timeout: a timer that is a little early answers the command all the same") {
  AppFixture f;
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(1), report).has_value());
  f.run(1, 1);
  f.effects.advance(60s - 1ms);
  CHECK_FALSE(report->finished());
  f.app.on_timer(f.who(1, 1), InstanceTimer::start_timeout);
  CHECK(f.instance(1, 1).state() == InstanceState::stopping);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  f.exit(1, 1, Signaled{15});
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
}

TEST_CASE("start timeout: one that ignores the request to end is killed") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report(), {}, Urgency::boot).has_value());
  f.run(1, 1);
  f.effects.advance(60s);
  f.effects.advance(30s);
  CHECK(f.effects.count("kill 1.1") == 1);
  CHECK(f.instance(1, 1).state() == InstanceState::killing);
  f.exit(1, 1, Signaled{9});
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  CHECK(f.instance(1, 1).last_exit() == ExitStatus(spawn::StartTimedOut{60s}));
}

TEST_CASE("start timeout: the policy judges it as a failed start, whatever the process said when it ended") {
  using Policy = config::Restart::Policy;
  struct Row {
    Policy policy;
    unsigned max_failures;
    InstanceState then;
  };
  const Row rows[] = {
      {Policy::always, 0, InstanceState::backoff},      {Policy::on_failure, 0, InstanceState::backoff},
      {Policy::on_abnormal, 0, InstanceState::backoff}, {Policy::never, 0, InstanceState::stopped},
      {Policy::always, 1, InstanceState::fatal},        {Policy::on_failure, 1, InstanceState::fatal}};
  for (const Row& row : rows) {
    for (const ExitStatus& end : {ExitStatus(Signaled{15}), ExitStatus(Exited{0})}) {
      CAPTURE(static_cast<int>(row.policy));
      AppFixture f;
      REQUIRE(
          f.app.start(spec_with(row.policy, row.max_failures), f.report(), {}, Urgency::boot).has_value());
      f.run(1, 1);
      f.effects.advance(60s);
      f.exit(1, 1, end);
      CHECK(f.instance(1, 1).state() == row.then);
    }
  }
}

TEST_CASE("start timeout: hang after hang becomes a crash loop, and is given up at max_failures") {
  AppFixture f;
  REQUIRE(
      f.app.start(spec_with(config::Restart::Policy::always, 6), f.report(), {}, Urgency::boot).has_value());
  for (int i = 0; i < 5; ++i) {
    hang(f);
    f.effects.advance(40s);
  }
  CHECK(
      told(f.effects, "say crash-loop app=web instance=1.1 failures=5 cause=\"not healthy within 60.0 s\""));
  hang(f);
  CHECK(f.instance(1, 1).state() == InstanceState::fatal);
  CHECK(told(f.effects, "say fatal app=web instance=1.1 failures=6 cause=\"not healthy within 60.0 s\""));
  REQUIRE(f.app.failure().has_value());
  CHECK(f.app.failure()->find("not healthy within 60.0 s") != std::string::npos);
  // Who starts it again is told what its probes say now, not how the former one ended.
  auto report = f.report();
  REQUIRE(f.app.start(nullptr, report).has_value());
  hang(f);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  CHECK(report->lines().back().text.find("within") == std::string::npos);
}

TEST_CASE(
    "start timeout: a crashed instance that hangs when it comes back is ended too, beside one that serves") {
  AppFixture f;
  f.boot();
  f.exit(1, 1, Exited{1});
  f.effects.advance(2s);
  f.run(1, 1);
  f.effects.advance(60s);
  CHECK(f.instance(1, 1).state() == InstanceState::stopping);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  f.exit(1, 1, Signaled{15});
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  CHECK(f.app.state() == "live");
}

TEST_CASE("start timeout: a stop while a late one is being ended leaves it ended") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report(), {}, Urgency::boot).has_value());
  f.run(1, 1);
  f.effects.advance(60s);
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  f.exit(1, 1, Signaled{15});
  CHECK(f.instance(1, 1).state() == InstanceState::stopped);
  f.effects.advance(10min);
  CHECK(f.effects.count("spawn 1.1") == 1);
}

TEST_CASE("start timeout: it goes on in the next daemon, which gives at least time for a probe") {
  Former former;
  REQUIRE(former.app.start(whole_spec(1), former.report(), {}, Urgency::boot).has_value());
  former.write();
  former.run(1, 1);
  former.effects.advance(50s);
  Next next(former, 9s);
  next.reattach(former.remains());
  REQUIRE(next.instance(1, 1).state() == InstanceState::starting);
  CHECK(next.effects.starts.starting() == 1);
  next.effects.advance(5s - 1ms);
  CHECK(next.instance(1, 1).state() == InstanceState::starting);
  next.effects.advance(1ms);
  CHECK(next.instance(1, 1).state() == InstanceState::stopping);
  CHECK(next.effects.starts.starting() == 0);
}

TEST_CASE(
    "start turns: an instance waits for its place, and those after it come as the ones before are healthy") {
  AppFixture f;
  f.effects.starts.set_most(1);
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(3), report, {}, Urgency::boot).has_value());
  CHECK(f.effects.count("spawn 1.1") == 1);
  CHECK(f.effects.count("spawn 1.2") == 0);
  CHECK(f.instance(1, 2).state() == InstanceState::queued);
  CHECK(f.app.state() == "starting");
  CHECK(f.app.mode() == routing::AppMode::hold);
  CHECK(f.app.progress(*report) ==
        "0 of 3 healthy, 2 wait for a place to start, last probe: " + f.instance(1, 1).probe_text());
  f.effects.grant_starts();
  CHECK(f.effects.count("spawn 1.2") == 0);
  for (unsigned number = 1; number <= 3; ++number) {
    f.run(1, number);
    f.effects.grant_starts();
    // Until it is healthy it has its place.
    if (number < 3) CHECK(f.instance(1, number + 1).state() == InstanceState::queued);
    f.probe(1, number, true);
    f.effects.grant_starts();
  }
  CHECK(f.effects.count("spawn 1.2") == 1);
  CHECK(f.effects.count("spawn 1.3") == 1);
  CHECK(report->finished());
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(f.effects.starts.starting() == 0);
}

TEST_CASE("start turns: what waits is not late, and has its whole time from its own start on") {
  AppFixture f;
  f.effects.starts.set_most(1);
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(2), report).has_value());
  f.run(1, 1);
  f.effects.advance(59s);
  f.probe(1, 1, true);
  f.effects.grant_starts();
  f.run(1, 2);
  f.effects.advance(59s);
  CHECK_FALSE(report->finished());
  f.probe(1, 2, true);
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("start turns: what takes long keeps its place for 5 s, and goes on without it") {
  AppFixture f;
  f.effects.starts.set_most(1);
  REQUIRE(f.app.start(AppFixture::make_spec(2), f.report()).has_value());
  f.run(1, 1);
  f.effects.advance(5s - 1ms);
  f.effects.grant_starts();
  CHECK(f.instance(1, 2).state() == InstanceState::queued);
  f.effects.advance(1ms);
  f.effects.grant_starts();
  CHECK(f.instance(1, 1).state() == InstanceState::starting);
  CHECK(f.instance(1, 2).state() == InstanceState::spawning);
  f.run(1, 2);
  f.probe(1, 1, true);
  CHECK(f.effects.starts.starting() == 1);
  f.probe(1, 2, true);
  CHECK(f.effects.starts.starting() == 0);
}

TEST_CASE("start turns: a deploy of more instances than may start at a time comes to its cutover") {
  AppFixture f;
  f.boot();
  f.effects.starts.set_most(1);
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(3), report).has_value());
  CHECK_FALSE(f.app.unfinished_deploy()->until().has_value());
  for (unsigned number = 1; number <= 3; ++number) {
    f.effects.grant_starts();
    f.run(2, number);
    f.effects.advance(40s);
    CHECK_FALSE(report->finished());
    f.probe(2, number, true);
  }
  f.written();
  f.adopted();
  CHECK(f.app.live()->id() == base::GenerationId(2));
}

TEST_CASE("start turns: a deploy fails when one that has its place is not healthy in its time") {
  AppFixture f;
  f.boot();
  f.effects.starts.set_most(1);
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(2), report).has_value());
  f.run(2, 1);
  f.effects.advance(30s);
  f.probe(2, 1, true);
  f.effects.grant_starts();
  f.run(2, 2);
  f.effects.advance(60s - 1ms);
  CHECK_FALSE(report->finished());
  f.effects.advance(1ms);
  CHECK(f.instance(2, 2).state() == InstanceState::stopping);
  f.exit(2, 2, Signaled{15});
  f.app.on_quiescent(f.who(2, 1));
  f.exit(2, 1, Signaled{15});
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  CHECK(f.effects.starts.starting() == 0);
  CHECK(f.app.live()->id() == base::GenerationId(1));
}

TEST_CASE(
    "start turns: one that waits is left where it is by whatever ends it, and frees its place in line") {
  for (const Haste haste : {Haste::drain, Haste::signal, Haste::kill}) {
    AppFixture f;
    f.effects.starts.set_most(1);
    REQUIRE(f.app.start(AppFixture::make_spec(2), f.report()).has_value());
    REQUIRE(f.stop(haste, f.report()).has_value());
    CHECK(f.instance(1, 2).state() == InstanceState::stopped);
    CHECK(f.effects.starts.waiting() == 0);
    f.exit(1, 1, Signaled{15});
    f.effects.grant_starts();
    CHECK(f.app.ended());
    CHECK(f.effects.count("spawn 1.2") == 0);
    CHECK(f.effects.starts.starting() == 0);
  }
}

TEST_CASE("start turns: an end while others wait, a crash and a refused spawn each give the place back") {
  AppFixture f;
  f.effects.starts.set_most(1);
  REQUIRE(f.app.start(AppFixture::make_spec(3), f.report()).has_value());
  f.exit(1, 1, SpawnFailed{SpawnStage::endpoint, 98, ""});
  f.effects.grant_starts();
  CHECK(f.effects.count("spawn 1.2") == 1);
  f.run(1, 2);
  f.exit(1, 2, Exited{1});
  f.effects.grant_starts();
  CHECK(f.effects.count("spawn 1.3") == 1);
  f.run(1, 3);
  f.probe(1, 3, true);
  CHECK(f.effects.starts.starting() == 0);
}

TEST_CASE("start turns: what waits when the daemon dies is started by the next one") {
  Former former;
  former.effects.starts.set_most(1);
  REQUIRE(former.app.start(whole_spec(2), former.report(), {}, Urgency::boot).has_value());
  former.write();
  former.run(1, 1);
  REQUIRE(former.instance(1, 2).state() == InstanceState::queued);
  Next next(former);
  next.effects.starts.set_most(1);
  next.reattach(former.remains());
  next.effects.advance(1ms);
  CHECK(next.instance(1, 1).state() == InstanceState::starting);
  CHECK(next.instance(1, 2).state() == InstanceState::queued);
  next.probe(1, 1, true);
  next.effects.grant_starts();
  CHECK(next.effects.count("spawn 1.2") == 1);
}

}  // namespace
}  // namespace gracevisor::test
