// The steps of deploys in the state record: asked for before they are taken, and left out once they are over.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

const AppState& asked(const AppFixture& f) {
  return f.effects.records.back().second;
}

std::size_t place_of(const AppFixture& f, const std::string& call) {
  return static_cast<std::size_t>(std::ranges::find(f.effects.calls, call) - f.effects.calls.begin());
}

}  // namespace

TEST_CASE("record: a deploy is asked to be recorded before anything is started, and does not wait for it") {
  Former f;
  f.boot_web();
  auto report = f.report_of("deploy", 1000);
  REQUIRE(f.app.deploy(whole_spec(), report).has_value());
  CHECK(place_of(f, "record live=1") < place_of(f, "spawn 2.1"));
  CHECK(asked(f).candidate == base::GenerationId(2));
  CHECK(asked(f).live == base::GenerationId(1));
  CHECK(asked(f).boot == "boot-1");
  REQUIRE(asked(f).deploys.size() == 1);
  const DeployState& deploy = asked(f).deploys[0];
  CHECK(deploy == DeployState{.generation = base::GenerationId(2),
                              .old = base::GenerationId(1),
                              .step = DeployStep::spawning,
                              .verb = "deploy",
                              .uid = 1000,
                              .began = f.effects.boot_time()});
  f.unwritten();
  f.heal(2);
  CHECK(asked(f).deploys[0].step == DeployStep::guarding);
  CHECK(asked(f).deploys[0].guard_ends == f.effects.boot_time() + 10s);
  f.written();
  CHECK(f.app.live()->id() == base::GenerationId(2));
}

TEST_CASE("record: what has ended is left out by one more record, for which nobody waits") {
  Former f;
  f.boot_web();
  auto report = f.guard();
  f.effects.advance(10s);
  f.write();
  REQUIRE(asked(f).deploys.size() == 1);
  CHECK(asked(f).deploys[0].step == DeployStep::finishing);
  REQUIRE(asked(f).leaving.size() == 1);
  CHECK(asked(f).leaving[0].id == base::GenerationId(1));
  const std::size_t before = f.effects.records.size();
  f.drain(1);
  CHECK(report->lines().back().exit == ExitCode::done);
  CHECK(f.effects.records.size() == before + 1);
  CHECK(asked(f).deploys.empty());
  CHECK(asked(f).leaving.empty());
  f.write();
  f.effects.advance(60s);
  CHECK(f.effects.records.size() == before + 1);
}

TEST_CASE("record: a cutover waits for no record but its own, although another generation ends meanwhile") {
  for (bool late : {false, true}) {
    CAPTURE(late);
    Former f;
    f.boot_web();
    (void)f.guard();
    f.effects.advance(10s);
    f.write();
    REQUIRE(f.app.deploy(whole_spec(), f.report()).has_value());
    f.write();
    f.heal(3);
    const std::uint64_t serial = f.effects.records.back().first;
    f.drain(1);  // one more record, which says of the deploy what the one before said
    REQUIRE(f.effects.records.back().first > serial);
    CHECK(asked(f).deploys.size() == 1);
    CHECK(asked(f).guarding());
    CHECK(f.app.live()->id() == base::GenerationId(2));
    f.app.on_recorded(late ? f.effects.records.back().first : serial, {});
    CHECK(f.app.live()->id() == base::GenerationId(3));
  }
}

TEST_CASE("record: an older answer is none to a cutover") {
  Former f;
  f.boot_web();
  REQUIRE(f.app.deploy(whole_spec(), f.report()).has_value());
  const std::uint64_t begin = f.effects.records.back().first;
  f.heal(2);
  f.app.on_recorded(begin, {});
  CHECK(f.app.live()->id() == base::GenerationId(1));
  f.written();
  CHECK(f.app.live()->id() == base::GenerationId(2));
}

TEST_CASE("record: of many generations that leave it has the newest, and the deploys that it can tell") {
  Former f;
  auto spec = whole_spec(1);
  spec->app.deploy.guard = 0ms;
  f.boot_web(spec);
  for (std::uint64_t generation = 2; generation <= 14; ++generation) {
    auto report = f.report_of("deploy", 0);
    REQUIRE(f.app.deploy(spec, report).has_value());
    f.heal(generation);
    f.write();
    f.adopted();
  }
  CHECK(asked(f).leaving.size() == kMostLeaving);
  CHECK(asked(f).leaving.back().id == base::GenerationId(13));
  CHECK(asked(f).deploys.size() == kMostDeploys);
  Remains remains = f.remains();
  CHECK(remains.children.size() == 14);
  Next next(f);
  next.reattach(remains);
  CHECK(next.strangers.size() == 5);
  CHECK(next.live() == 14);
  next.end_stopping();
  CHECK(asked(next).leaving.empty());
  CHECK(asked(next).deploys.empty());
}
