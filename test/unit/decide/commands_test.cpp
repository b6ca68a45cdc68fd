// kill, signal and scale, as an app's decider takes them.
#include <doctest/doctest.h>

#include <csignal>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace std::chrono_literals;
using test::AppFixture;

namespace {

Selection instance(std::uint64_t generation, unsigned slot) {
  return {base::GenerationId(generation), base::Slot(slot)};
}
Selection generation(std::uint64_t number) {
  return {base::GenerationId(number), {}};
}
SignalOrder order(int number, bool force = false) {
  return {number, config::Stop::Scope::main, force, 0};
}
ExitCode exit_of(const std::shared_ptr<Report>& report) {
  REQUIRE(report->finished());
  return *report->lines().back().exit;
}
const std::string& text_of(const std::shared_ptr<Report>& report) {
  return report->lines().back().text;
}

}  // namespace

TEST_CASE("kill: a live instance is killed at once and started again, whatever its policy") {
  auto spec = AppFixture::make_spec();
  spec->app.restart.policy = config::Restart::Policy::never;
  AppFixture f;
  f.boot(spec);
  auto report = f.report();
  REQUIRE(f.app.kill(instance(1, 1), 1000, report).has_value());
  CHECK(f.effects.count("kill 1.1") == 1);
  CHECK(f.effects.count("close 1.1") == 1);
  CHECK(f.effects.count("kill 1.2") == 0);
  CHECK_FALSE(report->finished());
  f.exit(1, 1, spawn::Signaled{SIGKILL});
  CHECK(exit_of(report) == ExitCode::done);
  f.effects.advance(500ms);
  CHECK(f.effects.count("spawn 1.1") == 1);
  CHECK(f.instance(1, 1).failures_in_a_row() == 0);
}

TEST_CASE("kill: in every state of a live instance a process is killed, and one follows") {
  for (const char* state : {"spawning", "starting", "healthy", "unhealthy", "draining", "stopping"}) {
    CAPTURE(state);
    AppFixture f;
    const std::string_view wanted = state;
    REQUIRE(f.app.start(AppFixture::make_spec(1), f.report()).has_value());
    if (wanted != "spawning") f.run(1, 1);
    if (wanted != "spawning" && wanted != "starting") f.probe(1, 1, true);
    if (wanted == "unhealthy") f.probe(1, 1, false, 9);
    if (wanted == "draining" || wanted == "stopping") f.app.replace(f.who(1, 1), "a reason");
    if (wanted == "stopping") f.app.on_quiescent(f.who(1, 1));
    f.effects.forget();
    auto report = f.report();
    REQUIRE(f.app.kill(generation(1), 0, report).has_value());
    CHECK(f.effects.count("kill 1.1") == 1);
    f.exit(1, 1, spawn::Signaled{SIGKILL});
    CHECK(exit_of(report) == ExitCode::done);
    f.effects.advance(500ms);
    CHECK(f.effects.count("spawn 1.1") == 1);
    f.run(1, 1);
    f.probe(1, 1, true);
    CHECK(f.app.state() == "live");
  }
}

TEST_CASE("kill: a candidate's instance fails its deploy, as a crash would") {
  AppFixture f;
  f.boot();
  auto deploy = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), deploy).has_value());
  f.run(2, 1);
  f.run(2, 2);
  auto report = f.report();
  REQUIRE(f.app.kill(instance(2, 1), 0, report).has_value());
  CHECK(f.effects.count("kill 2.1") == 1);
  f.exit(2, 1, spawn::Signaled{SIGKILL});
  f.drain(2);
  CHECK(exit_of(report) == ExitCode::done);
  CHECK(exit_of(deploy) == ExitCode::exited_before_healthy);
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.app.state() == "live");
}

TEST_CASE("kill: a generation that drains ends at once, and nothing follows") {
  AppFixture f;
  f.boot();
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  auto deploy = f.cut_over(2, spec);
  f.effects.forget();
  REQUIRE(f.app.kill(generation(1), 0, f.report()).has_value());
  CHECK(f.effects.count("kill 1.1") == 1);
  CHECK(f.effects.count("kill 1.2") == 1);
  f.exit(1, 1, spawn::Signaled{SIGKILL});
  f.exit(1, 2, spawn::Signaled{SIGKILL});
  f.effects.advance(1h);
  CHECK(f.effects.count("spawn 1.1") == 0);
  CHECK(deploy->finished());
}

TEST_CASE("kill and signal: what is not there is said to be so") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  const auto kill = [&](const Selection& which) { return f.app.kill(which, 0, f.report()).error().exit; };
  CHECK(kill(generation(7)) == ExitCode::no_such_app);
  CHECK(kill(instance(1, 2)) == ExitCode::no_such_app);
  f.exit(1, 1, spawn::Exited{1});
  CHECK(kill(instance(1, 1)) == ExitCode::failed);
  CHECK(f.app.signal({}, order(SIGHUP), f.report()).error().exit == ExitCode::failed);
  CHECK(f.app.signal(generation(7), order(SIGHUP), f.report()).error().why == "there is no web@7");
}

TEST_CASE("signal: it reaches every chosen instance that has a process, and changes nothing") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.signal({}, order(SIGHUP), report).has_value());
  CHECK(f.effects.count("pass 1.1 1") == 1);
  CHECK(f.effects.count("pass 1.2 1") == 1);
  CHECK(exit_of(report) == ExitCode::done);
  CHECK(text_of(report) == "sent to web@1.1 web@1.2");
  CHECK(f.effects.records.size() == 1);
  CHECK(f.app.state() == "live");
}

TEST_CASE("signal: one that suspends what serves needs force") {
  AppFixture f;
  f.boot();
  for (int number : {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    CAPTURE(number);
    auto refused = f.app.signal(instance(1, 1), order(number), f.report());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().exit == ExitCode::usage);
    CHECK(refused.error().why.find("--force") != std::string::npos);
    CHECK(f.app.signal(instance(1, 1), order(number, true), f.report()).has_value());
  }
  CHECK(f.app.signal(instance(1, 1), order(SIGCONT), f.report()).has_value());
}

TEST_CASE("scale: further instances start, surplus ones drain, and the record keeps both numbers") {
  AppFixture f;
  f.boot(AppFixture::make_spec(2));
  auto up = f.report();
  REQUIRE(f.app.scale(3, up).has_value());
  CHECK(up->lines().front().text == "web@1  2 -> 3 instances (file: 2)");
  CHECK(f.effects.count("spawn 1.3") == 1);
  CHECK_FALSE(up->finished());
  f.run(1, 3);
  f.probe(1, 3, true);
  CHECK(exit_of(up) == ExitCode::done);
  const auto& app = f.effects.records.back().second.live_spec->app;
  CHECK(app.instances == 3);
  CHECK(app.scaled_from == 2U);

  auto down = f.report();
  REQUIRE(f.app.scale(1, down).has_value());
  CHECK_FALSE(down->finished());
  for (unsigned slot : {2U, 3U}) {
    f.app.on_quiescent(f.who(1, slot));
    f.exit(1, slot);
  }
  CHECK(exit_of(down) == ExitCode::done);
  CHECK(f.app.live()->instances().size() == 1);
  CHECK(f.app.live()->spec()->app.scaled_from == 2U);

  REQUIRE(f.app.scale(2, f.report()).has_value());
  CHECK_FALSE(f.app.live()->spec()->app.scaled_from.has_value());
}

TEST_CASE("scale: an instance that does not come up is told, and stays wanted") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.app.scale(2, report).has_value());
  f.run(1, 2);
  f.exit(1, 2, spawn::Exited{1});
  CHECK(exit_of(report) == ExitCode::exited_before_healthy);
  CHECK(f.app.live()->wanted() == 2);
}

TEST_CASE(
    "scale: what was never started and what is busy refuse it, and what is stopped takes it for later") {
  AppFixture never;
  CHECK(never.app.scale(2, never.report()).error().exit == ExitCode::failed);
  AppFixture busy;
  busy.boot();
  REQUIRE(busy.app.deploy(AppFixture::make_spec(), busy.report()).has_value());
  CHECK(busy.app.scale(3, busy.report()).error().exit == ExitCode::busy);
  AppFixture stopped;
  stopped.boot(AppFixture::make_spec(1));
  REQUIRE(stopped.stop(Haste::signal, stopped.report()).has_value());
  stopped.exit(1, 1);
  stopped.written();
  auto report = stopped.report();
  REQUIRE(stopped.app.scale(3, report).has_value());
  CHECK(exit_of(report) == ExitCode::done);
  CHECK(text_of(report) == "web is stopped: it will have 3 instances");
}

TEST_CASE("under way: the deploy before anything else, until it has ended") {
  AppFixture f;
  f.boot();
  CHECK(f.app.under_way() == nullptr);
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  auto deploy = f.report();
  REQUIRE(f.app.deploy(spec, deploy).has_value());
  CHECK(f.app.under_way() == deploy);
  f.heal(2);
  f.written();
  f.adopted();
  CHECK(f.app.under_way() == deploy);  // the old generation still drains
  f.drain(1);
  CHECK(deploy->finished());
  CHECK(f.app.under_way() == nullptr);
  CHECK(f.effects.remembered.back() == deploy);
  CHECK(deploy->generation().value() == 2);
}

TEST_CASE("cut-back: an old instance that was just being killed comes back as well") {
  AppFixture f;
  f.boot();
  auto deploy = f.cut_over(2, AppFixture::make_spec());
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  REQUIRE(f.app.kill(instance(1, 1), 0, f.report()).has_value());
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  f.effects.forget();
  f.exit(1, 1, spawn::Signaled{SIGKILL});
  f.effects.advance(500ms);
  CHECK(f.effects.count("spawn 1.1") == 1);
}

TEST_CASE("under way: the newest command, also beside a deploy that still drains") {
  AppFixture f;
  f.boot();
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  auto deploy = f.cut_over(2, spec);
  REQUIRE_FALSE(deploy->finished());
  f.effects.advance(1s);
  auto scale = f.report();
  REQUIRE(f.app.scale(3, scale).has_value());
  CHECK(f.app.under_way() == scale);
}

TEST_CASE("scale: what was not healthy before is not waited for, and is said") {
  AppFixture f;
  auto spec = AppFixture::make_spec(2);
  f.boot(spec);
  f.exit(1, 1, spawn::Exited{1});
  REQUIRE(f.instance(1, 1).state() == InstanceState::backoff);
  auto report = f.report();
  REQUIRE(f.app.scale(3, report).has_value());
  f.written();
  CHECK_FALSE(report->finished());
  f.run(1, 3);
  f.probe(1, 3, true);
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(text_of(report).starts_with("web@1 2/3 healthy (the others were not before: gvctl status web)"));
}

TEST_CASE("scale: an instance that it brought and that exits is its failure") {
  AppFixture f;
  f.boot();
  f.exit(1, 1, spawn::Exited{1});
  auto report = f.report();
  REQUIRE(f.app.scale(3, report).has_value());
  f.run(1, 3);
  f.exit(1, 3, spawn::Exited{1});
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
}

TEST_CASE("start: processes of the last try that are still ending are no failure of this one") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  const Identity first = f.who(1, 1);
  f.app.on(first, spawn::Ended{spawn::Exited{1}});  // its group lives on
  REQUIRE(f.instance(1, 1).state() == InstanceState::backoff);
  auto report = f.report();
  REQUIRE(f.app.start(nullptr, report).has_value());
  CHECK_FALSE(report->finished());
  f.app.on(first, spawn::Gone{});
  f.run(1, 1);
  f.probe(1, 1, true);
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("start: a failure tells how long the process lived, whenever it is told") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(1), f.report()).has_value());
  f.run(1, 1);
  f.effects.advance(2s);
  f.exit(1, 1, spawn::Exited{1});
  f.effects.advance(300ms);
  CHECK(f.instance(1, 1).lived(f.effects.now()) == 2s);
}

TEST_CASE("kill: a process that is stuck in the kernel is not called killed") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.app.kill({.generation = base::GenerationId(1), .slot = base::Slot(1)}, 0, report).has_value());
  f.app.on(f.who(1, 1), spawn::Unkillable{});
  REQUIRE(report->finished());
  CHECK(report->lines().back().exit == ExitCode::failed);
  CHECK(text_of(report) == "web@1.1 is stuck in the kernel, and no signal ends it: gvctl status web");
}

TEST_CASE("scale: the number that it has already changes nothing, and is no command for the history") {
  AppFixture f;
  f.boot();
  f.effects.forget();
  auto report = f.report();
  REQUIRE(f.app.scale(2, report).has_value());
  CHECK(exit_of(report) == ExitCode::done);
  CHECK(text_of(report) == "web@1 has 2 instances already, as the files say");
  CHECK(f.effects.calls.empty());
}

TEST_CASE("stop: what is stopped already stays so, by whom it was") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  f.written();
  f.exit(1, 1);
  f.effects.forget();
  auto report = f.report();
  REQUIRE(f.stop(Haste::drain, report).has_value());
  CHECK(text_of(report) == "web is stopped already: gvctl start web");
  CHECK(f.effects.calls.empty());
}
