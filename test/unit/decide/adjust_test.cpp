// Settings that change under a generation that runs, and how many instances it has.
#include <doctest/doctest.h>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<spec::Spec> with_instances(unsigned count) {
  return AppFixture::make_spec(count);
}

std::size_t slots(const AppFixture& f) {
  return f.app.live()->instances().size();
}

}  // namespace

TEST_CASE("adjust: further instances start beside those that serve, which are not touched") {
  AppFixture f;
  f.boot(with_instances(2));
  f.app.adjust(with_instances(4));
  CHECK(f.effects.count("spawn 1.1") == 0);
  CHECK(f.effects.count("spawn 1.3") == 1);
  CHECK(f.effects.count("spawn 1.4") == 1);
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.app.mode() == routing::AppMode::live);
  for (unsigned slot : {3U, 4U}) {
    f.run(1, slot);
    f.probe(1, slot, true);
  }
  CHECK(f.app.live()->all_healthy());
  CHECK(f.effects.records.back().second.live_spec->app.instances == 4);
}

TEST_CASE("adjust: surplus instances leave the routes, drain, and are stopped and forgotten") {
  AppFixture f;
  f.boot(with_instances(3));
  f.app.adjust(with_instances(1));
  CHECK(f.app.live()->healthy() == 1);
  CHECK(f.app.live()->all_healthy());
  CHECK(f.effects.count("signal 1.2 15") == 0);
  CHECK(slots(f) == 3);
  f.app.on_quiescent(f.who(1, 2));
  CHECK(f.effects.count("signal 1.2 15") == 1);
  f.exit(1, 2);
  CHECK(slots(f) == 3);  // the one behind it is still there
  f.app.on_quiescent(f.who(1, 3));
  f.exit(1, 3);
  CHECK(slots(f) == 1);
  CHECK(f.effects.count("spawn 1.2") == 0);
  CHECK(f.app.state() == "live");
}

TEST_CASE("adjust: an instance that still drains serves again when it is wanted again") {
  AppFixture f;
  f.boot(with_instances(2));
  f.app.adjust(with_instances(1));
  CHECK(f.app.live()->healthy() == 1);
  f.app.adjust(with_instances(2));
  CHECK(f.app.live()->healthy() == 2);
  CHECK(f.effects.count("spawn 1.2") == 0);
  CHECK(f.effects.count("signal 1.2 15") == 0);
  f.effects.advance(1h);
  CHECK(f.app.live()->healthy() == 2);
}

TEST_CASE("adjust: one that was signalled already ends first and is then started anew") {
  AppFixture f;
  f.boot(with_instances(2));
  f.app.adjust(with_instances(1));
  f.app.on_quiescent(f.who(1, 2));
  CHECK(f.effects.count("signal 1.2 15") == 1);
  f.app.adjust(with_instances(2));
  CHECK(f.effects.count("spawn 1.2") == 0);
  f.exit(1, 2);
  f.effects.advance(1s);
  CHECK(f.effects.count("spawn 1.2") == 1);
  f.run(1, 2);
  f.probe(1, 2, true);
  CHECK(f.app.live()->all_healthy());
}

TEST_CASE("adjust: a surplus instance that fails its start is no failure of the app") {
  AppFixture f;
  f.boot(with_instances(1));
  f.app.adjust(with_instances(2));
  f.run(1, 2);
  f.app.adjust(with_instances(1));
  f.exit(1, 2, spawn::Exited{1});
  CHECK(slots(f) == 1);
  CHECK(f.app.state() == "live");
  f.effects.advance(1h);
  CHECK(f.effects.count("spawn 1.2") == 1);
}

TEST_CASE("adjust: later exits are judged by the new settings") {
  AppFixture f;
  f.boot(with_instances(1));
  auto never = with_instances(1);
  never->app.restart.policy = config::Restart::Policy::never;
  f.app.adjust(never);
  f.exit(1, 1, spawn::Exited{1});
  f.effects.advance(1h);
  CHECK(f.effects.count("spawn 1.1") == 0);
}

TEST_CASE("adjust: what is stopped stays stopped, and starts with as many as it should have") {
  AppFixture f;
  f.boot(with_instances(1));
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  f.exit(1, 1);
  f.app.adjust(with_instances(3));
  CHECK(f.effects.count("spawn 1.2") == 0);
  CHECK(f.app.state() == "stopped");
  REQUIRE(f.app.start(with_instances(3), f.report()).has_value());
  CHECK(f.effects.count("spawn 1.3") == 1);
  f.heal(1);
  CHECK(f.app.live()->healthy() == 3);
}

TEST_CASE("adjust: after a cut-back the old generation has as many instances as its own spec says") {
  AppFixture f;
  f.boot(with_instances(3));
  f.app.adjust(with_instances(2));
  f.app.on_quiescent(f.who(1, 3));
  f.exit(1, 3);
  auto report = f.cut_over(2, with_instances(1));
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id() == base::GenerationId(1));
  CHECK(f.app.live()->healthy() == 2);
  CHECK(report->lines().back().exit == ExitCode::rolled_back);
}

TEST_CASE("adjust: the last instance that serves stays until one that is to stay serves") {
  AppFixture f;
  f.boot(with_instances(2));
  f.exit(1, 1, spawn::Signaled{9, false});
  f.app.adjust(with_instances(1));
  CHECK(f.app.mode() == routing::AppMode::live);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  f.effects.advance(1s);
  f.run(1, 1);
  CHECK(f.instance(1, 2).state() == InstanceState::healthy);
  f.probe(1, 1, true);
  CHECK(f.instance(1, 2).state() == InstanceState::draining);
  CHECK(f.app.live()->healthy() == 1);
  CHECK(f.app.live()->all_healthy());
}

TEST_CASE("adjust: a slot that is filled again goes on counting its incarnations") {
  AppFixture f;
  f.boot(with_instances(2));
  const Identity former = f.who(1, 2);
  f.app.adjust(with_instances(1));
  f.app.on_quiescent(former);
  f.exit(1, 2);
  CHECK(slots(f) == 1);
  f.app.adjust(with_instances(2));
  CHECK(f.who(1, 2).incarnation > former.incarnation);
}

TEST_CASE("adjust: an instance that is being replaced comes back although its slot was given up meanwhile") {
  AppFixture f;
  f.boot(with_instances(2));
  f.app.replace(f.who(1, 2), "its socket was removed");
  f.app.adjust(with_instances(1));
  f.app.adjust(with_instances(2));
  f.app.on_quiescent(f.who(1, 2));
  f.exit(1, 2);
  f.effects.advance(1s);
  CHECK(f.effects.count("spawn 1.2") == 1);
}

TEST_CASE("adjust: what still drains when a deploy is cut back is stopped all the same") {
  AppFixture f;
  f.boot(with_instances(2));
  f.app.adjust(with_instances(1));
  auto report = f.cut_over(2, with_instances(1));
  f.exit(2, 1, spawn::Exited{1});
  CHECK(report->lines().back().exit == ExitCode::rolled_back);
  f.app.on_quiescent(f.who(1, 2));
  CHECK(f.effects.count("signal 1.2 15") == 1);
  f.exit(1, 2);
  CHECK(slots(f) == 1);
  CHECK(f.app.live()->healthy() == 1);
}

TEST_CASE("remove: it drains and stops, and its record keeps only its number") {
  AppFixture f;
  f.boot(with_instances(1));
  auto report = f.report();
  f.app.remove(report);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  CHECK(f.app.mode() == routing::AppMode::stopped);
  const auto& record = f.effects.records.back().second;
  CHECK(record.live_spec == nullptr);
  CHECK(record.last_generation == base::GenerationId(1));
  CHECK_FALSE(record.stopped.has_value());
  CHECK(f.app.start(with_instances(1), f.report()).error().exit == ExitCode::busy);
  f.app.on_quiescent(f.who(1, 1));
  f.exit(1, 1);
  CHECK_FALSE(f.app.removed());  // its record may not be on disk
  f.written();
  CHECK(f.app.removed());
  CHECK(report->lines().back().exit == ExitCode::done);
}
