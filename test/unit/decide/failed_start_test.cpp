// Starts that fail end in the same report as deploys, and stay visible until the app is well.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/app_fixture.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

bool said(const RecordingEffects& effects, const std::string& text) {
  return std::ranges::any_of(effects.calls,
                             [&](const std::string& call) { return call.find(text) != call.npos; });
}

TEST_CASE(
    "start: an instance that exits before it is healthy is told with its cause, in report, log and status") {
  AppFixture f;
  f.effects.output = {"Traceback", "  File \"/srv/app.py\", line 4, in <module>", "KeyError: 'URL'"};
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(1), report).has_value());
  f.run(1, 1);
  f.exit(1, 1, Exited{1});
  CHECK(AppFixture::phases(*report) == "start start cause    probe next failed");
  CHECK(report->lines().back().text ==
        "web@1 exited before it was healthy (KeyError: 'URL', app.py line 4); it is started again after a "
        "pause");
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
  CHECK(said(f.effects, "say start-failed app=web generation=1 exit=10"));
  CHECK(said(f.effects,
             "say exit app=web instance=1.1 status=\"exit 1\" last=\"KeyError: 'URL', app.py line 4\""));
  REQUIRE(f.app.failure().has_value());
  CHECK(f.app.failure()->starts_with("web@1 exited before it was healthy (KeyError: 'URL', app.py line 4)"));
  CHECK(f.app.failure()->ends_with(": gvctl logs web"));
  f.effects.advance(2s);
  f.heal(1);
  CHECK_FALSE(f.app.failure().has_value());
}

TEST_CASE("start: what is not healthy in time is told with its probe, and remembered until it is") {
  AppFixture f;
  f.effects.owner = {Ownership::nobody, "nothing listens on 127.0.0.1:7", {"[::1]:3000"}};
  auto spec = AppFixture::make_spec(2);
  auto report = f.report();
  REQUIRE(f.app.start(spec, report).has_value());
  f.run(1, 1);
  f.probe(1, 1, true);
  f.run(1, 2);
  f.probe(1, 2, false);
  f.effects.advance(spec->app.deploy.timeout);
  CHECK(report->lines().back().exit == ExitCode::health_timeout);
  const std::string text = report->lines().back().text;
  CHECK(text ==
        "web@1 was not healthy after 60.0 s: GET /health -> refused, 1 try; nothing listens on 127.0.0.1:7; "
        "the "
        "process listens on [::1]:3000; 1/2 healthy; it is ended, and started again after a pause");
  CHECK(f.app.failure() == text);
  f.exit(1, 2, Signaled{15});
  CHECK(f.app.failure() == text);
  f.effects.owner = {Ownership::own, "", {}};
  f.effects.advance(2s);
  f.run(1, 2);
  f.probe(1, 2, true);
  CHECK_FALSE(f.app.failure().has_value());
}

TEST_CASE("start: nothing suggests to look at logs where nothing was written") {
  AppFixture f;
  auto report = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(1), report).has_value());
  f.exit(1, 1, SpawnFailed{SpawnStage::exec, 2, "/srv/web does not exist"});
  CHECK(AppFixture::phases(*report) == "start start cause probe failed");
  CHECK(report->lines().back().text ==
        "web@1 did not start (cannot execute: /srv/web does not exist); it is started again after a pause");
  CHECK(f.app.failure()->find("gvctl logs") == std::string::npos);
}

TEST_CASE("start: of an app that runs does nothing and says so") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.start(nullptr, report).has_value());
  CHECK(report->lines().size() == 1);
  CHECK(report->lines().back().text == "web@1 runs already");
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(f.effects.calls.empty());
}

TEST_CASE("crash loop: it is told once, when it becomes one, and what it said last stays in status") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  f.effects.output = {"panic: no database"};
  for (int i = 0; i < 7; ++i) {
    f.run(1, 1);
    f.exit(1, 1, Exited{2});
    f.effects.advance(40s);
  }
  const auto told = std::ranges::count_if(f.effects.calls, [](const std::string& call) {
    return call.starts_with(
        "say crash-loop app=web instance=1.1 failures=5 cause=\"exit 2\" last=\"panic: no database\"");
  });
  CHECK(told == 1);
  f.exit(1, 1, Exited{2});
  CHECK(f.app.failure() == "1.1 exit 2: panic: no database; 8 failures in a row: gvctl logs web");
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  CHECK_FALSE(f.app.failure().has_value());
}

TEST_CASE("stop: what had to be killed is told with how long it was waited for") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.stop.ladder = {{15, base::Millis(3000)}};
  f.boot(spec);
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.effects.advance(3s);
  f.exit(1, 1, Signaled{9, false});
  f.written();
  CHECK(report->lines().back().text == "web@1 (killed after 3.0 s), stays stopped: gvctl start web");
}

TEST_CASE("a crashing app: clients are told so, and a stopped one is told apart") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.restart.backoff = 100s;
  spec->app.restart.backoff_max = 100s;
  f.boot(spec);
  f.exit(1, 1, Exited{1});
  CHECK(f.app.mode() == routing::AppMode::crash_loop);
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  CHECK(f.app.mode() == routing::AppMode::stopped);
}

}  // namespace
}  // namespace gracevisor::test
