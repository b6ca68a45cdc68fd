// stop and abort while a deploy runs: the app's decider, phase by phase.
#include <doctest/doctest.h>

#include <functional>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

// A deploy of generation 2 beside generation 1, brought to one of its phases.
struct Scene {
  const char* phase;
  std::function<void(AppFixture&)> reach;
  bool serves;  // generation 2 does
};

const std::vector<Scene>& scenes() {
  static const std::vector<Scene> kScenes = {
      {"checking", [](AppFixture& f) { f.run(2, 1); }, false},
      {"recording", [](AppFixture& f) { f.heal(2); }, false},
      {"cutover",
       [](AppFixture& f) {
         f.heal(2);
         f.written();
       },
       true},
      {"guarding",
       [](AppFixture& f) {
         f.heal(2);
         f.written();
         f.adopted();
       },
       true},
      {"confirming",
       [](AppFixture& f) {
         f.heal(2);
         f.written();
         f.adopted();
         f.effects.advance(10s);
       },
       true},
  };
  return kScenes;
}

std::shared_ptr<Report> begin(AppFixture& f, const Scene& scene) {
  f.boot();
  auto deploy = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), deploy).has_value());
  scene.reach(f);
  REQUIRE_FALSE(f.app.can_deploy().has_value());
  CHECK(f.app.can_deploy().error().why.ends_with(std::string("in ") + scene.phase));
  return deploy;
}

}  // namespace

TEST_CASE("stop: ends a deploy in every phase and everything that runs, and the deploy exits 6") {
  for (Haste haste : {Haste::drain, Haste::signal, Haste::kill}) {
    for (const Scene& scene : scenes()) {
      CAPTURE(scene.phase);
      CAPTURE(static_cast<int>(haste));
      AppFixture f;
      auto deploy = begin(f, scene);
      auto stop = f.report();
      REQUIRE(f.stop(haste, stop).has_value());
      CHECK(f.app.mode() == routing::AppMode::stopped);
      f.written();
      f.drain(1);
      f.drain(2);
      REQUIRE(deploy->finished());
      CHECK(deploy->lines().back().exit == ExitCode::aborted);
      CHECK(deploy->lines().back().text.starts_with("web@2 stopped by root in "));
      REQUIRE(stop->finished());
      CHECK(stop->lines().back().exit == ExitCode::done);
      CHECK(stop->lines().back().text == "web@1, stays stopped: gvctl start web");
      CHECK(f.app.ended());
      CHECK(f.app.state() == "stopped");
      // What had not proved itself is not what a start brings back, nor what a daemon comes back to.
      const spec::AppState& record = f.effects.records.back().second;
      CHECK(record.live.value() == 1);
      CHECK_FALSE(record.candidate_spec);
      CHECK(record.stopped.has_value());
      // Nothing of the deploy comes back later.
      f.effects.advance(300s);
      CHECK(f.app.ended());
      REQUIRE(f.app.start(nullptr, f.report()).has_value());
      CHECK(f.app.live()->id().value() == 1);
      CHECK(f.app.state() == "starting");
    }
  }
}

TEST_CASE("stop: the processes of both generations are drained before they are signalled") {
  AppFixture f;
  auto deploy = begin(f, scenes()[3]);
  REQUIRE(f.stop(Haste::drain, f.report()).has_value());
  for (std::uint64_t generation : {1U, 2U}) {
    CHECK(f.instance(generation, 1).state() == InstanceState::draining);
  }
  CHECK(f.effects.count("signal 1.1 15") + f.effects.count("signal 2.1 15") == 0);
  f.app.on_quiescent(f.who(2, 1));
  CHECK(f.effects.count("signal 2.1 15") == 1);
  // The guard does not keep the old one any more.
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.effects.count("signal 1.1 15") == 1);
}

TEST_CASE("stop: --now behind a stop skips every drain that is left") {
  AppFixture f;
  auto deploy = begin(f, scenes()[3]);
  REQUIRE(f.stop(Haste::drain, f.report()).has_value());
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  for (const char* call : {"signal 1.1 15", "signal 1.2 15", "signal 2.1 15", "signal 2.2 15"}) {
    CHECK(f.effects.count(call) == 1);
  }
}

TEST_CASE("stop: while a deploy is failing it keeps its own end, and the app stops") {
  AppFixture f;
  f.boot();
  auto deploy = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), deploy).has_value());
  f.run(2, 1);
  f.run(2, 2);
  f.exit(2, 1, spawn::Exited{1});
  auto stop = f.report();
  REQUIRE(f.stop(Haste::drain, stop).has_value());
  f.written();
  f.exit(2, 2);
  f.drain(1);
  CHECK(deploy->lines().back().exit == ExitCode::exited_before_healthy);
  CHECK(stop->lines().back().exit == ExitCode::done);
}

TEST_CASE("stop: without a deploy also what still drains of the one before is told to stop now") {
  AppFixture f;
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  f.boot(spec);
  (void)f.cut_over(2, spec);
  REQUIRE(f.instance(1, 1).state() == InstanceState::draining);
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  CHECK(f.effects.count("signal 1.1 15") == 1);
  CHECK(f.effects.count("signal 2.1 15") == 1);
}

TEST_CASE("stop: the first deploy of an app that never served ends with it") {
  AppFixture f;
  auto deploy = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(1), deploy).has_value());
  f.run(1, 1);
  auto stop = f.report();
  REQUIRE(f.stop(Haste::drain, stop).has_value());
  f.written();
  f.exit(1, 1);
  CHECK(deploy->lines().back().exit == ExitCode::aborted);
  CHECK(stop->finished());
  CHECK(f.effects.records.back().second.live.value() == 0);
}

TEST_CASE("abort: before the cutover the candidate stops with exit 6, within the guard exit 13") {
  for (const Scene& scene : scenes()) {
    CAPTURE(scene.phase);
    AppFixture f;
    auto deploy = begin(f, scene);
    auto abort = f.report();
    REQUIRE(f.app.abort(1000, abort).has_value());
    CHECK(f.app.live()->id().value() == 1);
    CHECK(f.app.live()->healthy() == 2);
    CHECK(f.app.mode() == routing::AppMode::live);
    CHECK_FALSE(abort->finished());
    f.drain(2);
    REQUIRE(deploy->finished());
    ExitCode expected = scene.serves ? ExitCode::rolled_back : ExitCode::aborted;
    CHECK(deploy->lines().back().exit == expected);
    CHECK(deploy->lines().back().text.find("aborted by uid 1000") != std::string::npos);
    REQUIRE(abort->finished());
    CHECK(abort->lines().back().exit == ExitCode::done);
    CHECK(abort->lines().back().text == deploy->lines().back().text);
    // The app runs on as if nothing had been, and can be deployed again.
    f.effects.advance(300s);
    CHECK(f.app.live()->healthy() == 2);
    CHECK(f.app.can_deploy().has_value());
    CHECK(f.effects.records.back().second.live.value() == 1);
    CHECK_FALSE(f.effects.records.back().second.candidate_spec);
  }
}

TEST_CASE("abort: without a deploy or with nothing to go back to it is refused and changes nothing") {
  AppFixture f;
  f.boot();
  auto none = f.app.abort(0, f.report());
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().exit == ExitCode::failed);
  CHECK(none.error().why == "web has no deploy under way");

  (void)f.cut_over(2, AppFixture::make_spec());
  f.exit(1, 1, spawn::Exited{1});
  f.exit(1, 2, spawn::Exited{1});
  auto refused = f.app.abort(0, f.report());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().exit == ExitCode::failed);
  CHECK(refused.error().why.find("no instance is left that could serve instead") != std::string::npos);
  CHECK(f.app.live()->id().value() == 2);
  CHECK(f.app.live()->healthy() == 2);
}

TEST_CASE("abort: a second one waits for the same end") {
  AppFixture f;
  auto deploy = begin(f, scenes()[0]);
  auto first = f.report();
  auto second = f.report();
  REQUIRE(f.app.abort(0, first).has_value());
  REQUIRE(f.app.abort(0, second).has_value());
  f.drain(2);
  CHECK(first->finished());
  CHECK(second->finished());
}

TEST_CASE("abort: a deploy and a start meanwhile are busy with exit 5") {
  AppFixture f;
  auto deploy = begin(f, scenes()[3]);
  for (bool start : {false, true}) {
    auto refused =
        start ? f.app.start(nullptr, f.report()) : f.app.deploy(AppFixture::make_spec(), f.report());
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().exit == ExitCode::busy);
  }
}

TEST_CASE("start: failures of before are forgotten, so that a fatal app has all its tries again") {
  AppFixture f;
  auto spec = AppFixture::make_spec(1);
  spec->app.restart.max_failures = 2;
  REQUIRE(f.app.start(spec, f.report()).has_value());
  auto fail = [&] {
    f.run(1, 1);
    f.exit(1, 1, spawn::Exited{1});
  };
  fail();
  f.effects.advance(40s);
  fail();
  REQUIRE(f.instance(1, 1).state() == InstanceState::fatal);
  REQUIRE(f.app.start(spec, f.report()).has_value());
  CHECK(f.instance(1, 1).failures_in_a_row() == 0);
  fail();
  CHECK(f.instance(1, 1).state() == InstanceState::backoff);
  f.effects.advance(40s);
  fail();
  CHECK(f.instance(1, 1).state() == InstanceState::fatal);
}
