// An incarnation ends with its whole tree, and only then another begins in its slot; one whose port is held
// by a stranger goes to another port.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

struct InstanceEndFixture : AppFixture {
  InstanceEndFixture() { boot(make_spec(1)); }
  void exit_alone(spawn::ExitStatus status = spawn::Exited{1}) { app.on(who(1, 1), spawn::Ended{status}); }
  void gone() { app.on(Identity(who(1, 1)), spawn::Gone{}); }
  [[nodiscard]] InstanceState state() { return instance(1, 1).state(); }
};

}  // namespace

TEST_CASE("instance: it is stopped when its tree is gone, and the ladder goes on until then") {
  InstanceEndFixture f;
  auto report = f.report();
  std::size_t armed = f.effects.armed();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.exit_alone(spawn::Exited{0});
  CHECK(f.state() == InstanceState::stopping);
  CHECK_FALSE(report->finished());
  f.effects.advance(std::chrono::seconds(30));
  CHECK(f.effects.count("kill 1.1") == 1);
  CHECK_FALSE(report->finished());
  f.gone();
  CHECK(f.state() == InstanceState::stopped);
  CHECK(report->finished());
  CHECK(f.effects.armed() <= armed);
}

TEST_CASE("instance: after a crash the next incarnation waits for the tree of the former one") {
  InstanceEndFixture f;
  f.exit_alone();
  CHECK(f.state() == InstanceState::backoff);
  f.effects.advance(std::chrono::seconds(2));
  CHECK(f.state() == InstanceState::backoff);
  CHECK(f.effects.count("spawn 1.1") == 0);
  // Whoever is left by then had time enough.
  CHECK(f.effects.count("kill 1.1") == 1);
  f.gone();
  CHECK(f.state() == InstanceState::spawning);
  CHECK(f.effects.count("spawn 1.1") == 1);
}

TEST_CASE("instance: what will not end is not waited for") {
  for (bool left : {false, true}) {
    InstanceEndFixture f;
    f.exit_alone();
    f.effects.advance(std::chrono::seconds(2));
    REQUIRE(f.effects.count("spawn 1.1") == 0);
    Identity former = f.who(1, 1);
    if (left) {
      f.app.on(former, spawn::Left{});
    } else {
      f.app.on(former, spawn::Unkillable{});
    }
    CHECK(f.effects.count("spawn 1.1") == 1);
    // Late news of the former one mean nothing.
    f.app.on(former, spawn::Gone{});
    CHECK(f.effects.count("spawn 1.1") == 1);
  }
}

TEST_CASE("instance: a stop is done when what is left stays by configuration") {
  InstanceEndFixture f;
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.exit_alone(spawn::Exited{0});
  f.app.on(Identity(f.who(1, 1)), spawn::Left{});
  CHECK(f.state() == InstanceState::stopped);
  f.written();
  CHECK(report->finished());
}

TEST_CASE("instance: a start after a fatal exit waits for the tree too") {
  AppFixture f;
  auto spec = f.make_spec(1);
  spec->app.restart.max_failures = 1;
  f.boot(spec);
  f.app.on(f.who(1, 1), spawn::Ended{spawn::Exited{1}});
  REQUIRE(f.instance(1, 1).state() == InstanceState::fatal);
  REQUIRE(f.app.start(nullptr, f.report()).has_value());
  CHECK(f.effects.count("spawn 1.1") == 0);
  f.app.on(Identity(f.who(1, 1)), spawn::Gone{});
  CHECK(f.effects.count("spawn 1.1") == 1);
}

namespace {

// A candidate that is asked for its health, with a stranger on its port.
struct Candidate : AppFixture {
  std::shared_ptr<Report> result = report();
  Candidate() {
    boot(make_spec(1));
    REQUIRE(app.deploy(make_spec(1), result).has_value());
    effects.owner = {Ownership::foreign, "port 7 is held by pid 1 (nginx)", {}};
  }
};

}  // namespace

TEST_CASE("deploy: a candidate whose port a stranger holds is started again on another one") {
  Candidate f;
  f.run(2, 1);
  f.probe(2, 1, true);
  CHECK(f.instance(2, 1).state() == InstanceState::killing);
  CHECK(f.effects.count("kill 2.1") == 1);
  CHECK_FALSE(f.result->finished());
  f.exit(2, 1, spawn::Signaled{SIGKILL, false});
  CHECK(f.effects.count("spawn 2.1") == 2);
  f.effects.owner = {Ownership::own, "", {}};
  f.effects.where = "another place";
  f.heal(2);
  CHECK(f.instance(2, 1).state() == InstanceState::healthy);
  CHECK_FALSE(f.result->finished());
  CHECK(std::ranges::find(f.result->lines(), "moved: 2.1 pid 1 another place-2.1", &ReportLine::text) !=
        f.result->lines().end());
}

TEST_CASE("deploy: a candidate that died of its port being taken is started again on another one") {
  Candidate f;
  f.run(2, 1);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.effects.count("spawn 2.1") == 2);
  CHECK_FALSE(f.result->finished());
}

TEST_CASE("deploy: after five other ports a candidate fails as ever") {
  Candidate f;
  for (int tried = 0; tried < 5; ++tried) {
    f.run(2, 1);
    f.exit(2, 1, spawn::Exited{1});
    CHECK_FALSE(f.result->finished());
  }
  f.run(2, 1);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.result->finished());
  CHECK(f.effects.count("spawn 2.1") == 6);
}

TEST_CASE("deploy: a candidate that exits in peace is not taken for one that lost its port") {
  Candidate f;
  f.run(2, 1);
  f.exit(2, 1, spawn::Exited{0});
  CHECK(f.result->finished());
  CHECK(f.effects.count("spawn 2.1") == 1);
}

TEST_CASE("deploy: the kernel is asked who listens at the first success, and at an exit before it") {
  Candidate f;
  f.effects.owner = {Ownership::own, "", {}};
  f.run(2, 1);
  f.probe(2, 1, false);
  CHECK(f.owners_asked == 1);  // at the boot of generation 1
  f.probe(2, 1, true);
  CHECK(f.owners_asked == 2);
  f.probe(2, 1, true, 2);
  f.probe(2, 1, false);
  f.exit(1, 1, spawn::Exited{1});
  CHECK(f.owners_asked == 2);
  f.effects.advance(std::chrono::seconds(1));
  f.run(1, 1);
  f.exit(1, 1, spawn::Exited{0});
  CHECK(f.owners_asked == 2);
  f.effects.advance(std::chrono::seconds(10));
  f.run(1, 1);
  f.exit(1, 1, spawn::Exited{1});
  CHECK(f.owners_asked == 3);
}

TEST_CASE("deploy: the receipt says who listens at the culprit's address, and where the culprit does") {
  Candidate f;
  f.effects.owner.elsewhere = {"[::1]:3000"};
  f.run(2, 1);
  f.probe(2, 1, false);
  f.effects.advance(std::chrono::seconds(61));
  auto probe = std::ranges::find(f.result->lines(), "probe", &ReportLine::phase);
  REQUIRE(probe != f.result->lines().end());
  CHECK(probe->text ==
        "GET /health -> refused, 1 try; port 7 is held by pid 1 (nginx); the process listens on [::1]:3000");
}

TEST_CASE("deploy: one that is stopped on its way to another port stays down") {
  Candidate f;
  f.run(2, 1);
  f.probe(2, 1, true);
  f.app.abort_deploy();
  f.exit(2, 1, spawn::Signaled{SIGKILL, false});
  CHECK(f.effects.count("spawn 2.1") == 1);
}
