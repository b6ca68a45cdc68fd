// The state record: what it says in every phase of a deploy, and that it gets to the disk in the end.
#include <doctest/doctest.h>

#include "decide/record_keeper.h"
#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

const spec::AppState& last_record(const AppFixture& f) {
  return f.effects.records.back().second;
}

// The generation that a daemon would come back to which reads this record.
std::uint64_t comes_back_to(const AppFixture& f) {
  return last_record(f).live.value();
}

std::shared_ptr<spec::Spec> spec_without_guard() {
  auto spec = AppFixture::make_spec();
  spec->app.deploy.guard = 0ms;
  return spec;
}

}  // namespace

TEST_CASE("record: one that cannot be written is tried again after growing pauses until it is written") {
  AppFixture f;
  REQUIRE(f.app.start(AppFixture::make_spec(), f.report()).has_value());
  CHECK_FALSE(f.app.record_trouble().has_value());
  base::TimePoint began = f.effects.now();
  f.unwritten();
  for (auto pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    std::size_t before = f.effects.records.size();
    f.effects.advance(pause - 1ms);
    CHECK(f.effects.records.size() == before);
    f.effects.advance(1ms);
    REQUIRE(f.effects.records.size() == before + 1);
    REQUIRE(f.app.record_trouble().has_value());
    CHECK(f.app.record_trouble()->since == began);
    CHECK(f.app.record_trouble()->cause == "disk full");
    f.unwritten();
  }
  f.effects.advance(30s);
  f.written();
  CHECK_FALSE(f.app.record_trouble().has_value());
  std::size_t all = f.effects.records.size();
  f.effects.advance(600s);
  CHECK(f.effects.records.size() == all);
}

TEST_CASE("record: only the newest is tried again, and a late answer to an older one counts for nothing") {
  AppFixture f;
  f.boot();
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  std::uint64_t older = f.effects.records.back().first;
  f.unwritten();
  f.drain(1);
  f.exit(1, 1);
  f.exit(1, 2);
  REQUIRE(f.app.start(nullptr, f.report()).has_value());
  REQUIRE(f.effects.records.back().first > older);
  f.app.on_recorded(older, {});
  CHECK(f.app.record_trouble().has_value());  // not the one that is wanted
  f.unwritten();
  f.effects.advance(1s);
  CHECK_FALSE(last_record(f).stopped.has_value());
  f.written();
  CHECK_FALSE(f.app.record_trouble().has_value());
}

TEST_CASE("record: a disk that does not answer is told of and keeps no stop waiting") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.exit(1, 1);
  std::size_t asked = f.effects.records.size();
  f.effects.advance(10s - 1ms);
  CHECK_FALSE(report->finished());
  f.effects.advance(1ms);
  REQUIRE(report->finished());
  CHECK(AppFixture::phases(*report) == "stop record stopped");
  CHECK(f.app.record_trouble().has_value());
  // It has the record already: asking again would only queue it twice.
  f.effects.advance(600s);
  CHECK(f.effects.records.size() == asked);
  f.written();
  CHECK_FALSE(f.app.record_trouble().has_value());
}

TEST_CASE("record: what failed is tried once more when the daemon ends") {
  AppFixture f;
  f.boot();
  REQUIRE(f.stop(Haste::signal, f.report()).has_value());
  f.unwritten();
  std::size_t before = f.effects.records.size();
  f.app.shut_down(Haste::drain);
  CHECK(f.effects.records.size() == before + 1);
  CHECK(last_record(f).stopped.has_value());
}

TEST_CASE("record: within the guard it names both generations and comes back to the old one") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.heal(2);
  // Before the cutover already: from here on it may happen at any moment.
  CHECK(comes_back_to(f) == 1);
  CHECK(last_record(f).candidate.value() == 2);
  CHECK(last_record(f).candidate_spec != nullptr);
  CHECK(last_record(f).last_generation.value() == 2);
  f.written();
  f.adopted();
  f.effects.advance(9s);
  CHECK(comes_back_to(f) == 1);
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  f.effects.advance(1s);
  // The guard is over, but not before its record is on disk.
  CHECK(comes_back_to(f) == 2);
  CHECK_FALSE(last_record(f).candidate_spec);
  CHECK(f.effects.count("signal 1.1 15") == 0);
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 1);
}

TEST_CASE("record: at the end of a guard that cannot be written the old generation is kept until it can") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  f.effects.advance(10s);
  for (int i = 0; i < 3; ++i) {
    f.unwritten();
    CHECK(f.app.record_trouble().has_value());
    CHECK(f.instance(1, 1).state() == InstanceState::drained);
    CHECK_FALSE(f.app.can_deploy().has_value());
    f.effects.advance(30s);
  }
  CHECK(AppFixture::phases(*report) == "deploy start healthy cutover drained guard record");
  f.written();
  CHECK(f.effects.count("signal 1.1 15") == 1);
  f.exit(1, 1);
  f.exit(1, 2);
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("record: a guard whose end cannot be written still goes back when the new generation fails") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.effects.advance(10s);
  f.unwritten();
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(comes_back_to(f) == 1);
  // That cannot be written either; what is on disk, of both, comes back to the old one as well.
  f.unwritten();
  f.effects.advance(1s);
  CHECK(comes_back_to(f) == 1);
  f.written();
  f.drain(2);
  CHECK(report->lines().back().exit == ExitCode::rolled_back);
}

TEST_CASE("record: a cut-back while the answer about the guard's end is out is what is written last") {
  AppFixture f;
  f.boot();
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.effects.advance(10s);
  std::uint64_t confirmed = f.effects.records.back().first;
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(comes_back_to(f) == 1);
  f.app.on_recorded(confirmed, {});
  CHECK(f.app.live()->id().value() == 1);
  CHECK(f.instance(1, 1).state() == InstanceState::healthy);
  f.unwritten();
  CHECK(f.app.record_trouble().has_value());
  f.effects.advance(1s);
  CHECK(comes_back_to(f) == 1);
}

TEST_CASE("record: a cut-back on a full disk is tried again until it is written") {
  AppFixture f;
  f.boot();
  (void)f.cut_over(2, AppFixture::make_spec());
  f.exit(2, 1, spawn::Exited{1});
  f.unwritten();
  CHECK(f.app.record_trouble().has_value());
  f.effects.advance(1s);
  CHECK(comes_back_to(f) == 1);
  CHECK_FALSE(last_record(f).candidate_spec);
  f.written();
  CHECK_FALSE(f.app.record_trouble().has_value());
}

TEST_CASE("record: a deploy that fails while it is recorded is taken back on disk until that is written") {
  AppFixture f;
  f.boot(spec_without_guard());
  auto report = f.report();
  REQUIRE(f.app.deploy(spec_without_guard(), report).has_value());
  f.heal(2);
  CHECK(comes_back_to(f) == 2);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(comes_back_to(f) == 1);
  f.unwritten();
  f.effects.advance(1s);
  CHECK(comes_back_to(f) == 1);
  f.written();
  f.exit(2, 2);
  CHECK(report->lines().back().exit == ExitCode::exited_before_healthy);
}

TEST_CASE("record: a deploy that fails in its checks uses up its number, over restarts of the daemon too") {
  AppFixture f;
  f.boot();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), f.report()).has_value());
  f.run(2, 1);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(comes_back_to(f) == 1);
  CHECK(last_record(f).last_generation.value() == 2);
}

TEST_CASE("record: without an old generation that serves there is nothing to come back to but the new one") {
  AppFixture f;
  auto broken = AppFixture::make_spec(1);
  broken->app.restart.max_failures = 1;
  REQUIRE(f.app.start(broken, f.report()).has_value());
  f.run(1, 1);
  f.written();
  REQUIRE(f.app.deploy(AppFixture::make_spec(1), f.report()).has_value());
  f.heal(2);
  CHECK(comes_back_to(f) == 2);
}

TEST_CASE("record: the end of the daemon within a guard leaves the new generation on disk") {
  AppFixture f;
  f.boot();
  (void)f.cut_over(2, AppFixture::make_spec());
  f.app.abort_deploy();
  CHECK(comes_back_to(f) == 2);
  CHECK_FALSE(last_record(f).candidate_spec);
}

TEST_CASE("stop: is recorded with who and when, and over when that is on disk") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  REQUIRE(last_record(f).stopped.has_value());
  CHECK(last_record(f).stopped->uid == 0);
  CHECK(last_record(f).live.value() == 1);
  f.exit(1, 1);
  CHECK_FALSE(report->finished());
  f.written();
  REQUIRE(report->finished());
  CHECK(AppFixture::phases(*report) == "stop stopped");
  CHECK(f.app.stopped().has_value());
}

TEST_CASE("stop: that it cannot be recorded is told, and ends the wait") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  auto report = f.report();
  REQUIRE(f.stop(Haste::signal, report).has_value());
  f.unwritten();
  f.exit(1, 1);
  REQUIRE(report->finished());
  CHECK(AppFixture::phases(*report) == "stop record stopped");
  CHECK(report->lines().back().exit == ExitCode::done);
}

TEST_CASE("stop: a second one keeps who stopped it first") {
  AppFixture f;
  f.boot(AppFixture::make_spec(1));
  REQUIRE(f.stop(Haste::drain, f.report()).has_value());
  REQUIRE(f.app.stop({77, {}}, Haste::signal, f.report()).has_value());
  CHECK(f.app.stopped()->uid == 0);
}

TEST_CASE("stop: a start clears it on disk, a deploy at its cutover, and a failed deploy does not") {
  AppFixture f;
  f.boot(spec_without_guard());
  auto stop = [&](std::uint64_t generation) {
    REQUIRE(f.stop(Haste::signal, f.report()).has_value());
    f.written();
    f.drain(generation);
    for (unsigned slot : {1U, 2U}) {
      if (!f.instance(generation, slot).ended()) f.exit(generation, slot);
    }
    REQUIRE(f.app.state() == "stopped");
  };
  stop(1);
  REQUIRE(f.app.start(nullptr, f.report()).has_value());
  CHECK_FALSE(f.app.stopped().has_value());
  CHECK_FALSE(last_record(f).stopped.has_value());
  f.written();
  f.heal(1);
  stop(1);
  REQUIRE(f.app.deploy(spec_without_guard(), f.report()).has_value());
  f.run(2, 1);
  f.exit(2, 1, spawn::Exited{1});
  f.exit(2, 2);
  CHECK(f.app.stopped().has_value());
  CHECK(last_record(f).stopped.has_value());
  CHECK(f.app.mode() == routing::AppMode::stopped);
  REQUIRE(f.app.deploy(spec_without_guard(), f.report()).has_value());
  f.heal(3);
  CHECK_FALSE(last_record(f).stopped.has_value());
  f.written();
  CHECK_FALSE(f.app.stopped().has_value());
  CHECK(f.app.mode() == routing::AppMode::live);
}

TEST_CASE("boot: an app that was stopped stays so, with its generation for the next start") {
  AppFixture f;
  f.app.expect_start(false);
  f.app.stay_stopped({1000, {}}, AppFixture::make_spec(1), base::GenerationId(7));
  CHECK(f.app.state() == "stopped");
  CHECK(f.app.mode() == routing::AppMode::stopped);
  CHECK(f.app.ended());
  CHECK(f.app.stopped()->uid == 1000);
  CHECK(f.app.live()->id().value() == 7);
  f.effects.advance(600s);
  CHECK(f.effects.count("spawn 7.1") == 0);
  REQUIRE(f.app.start(nullptr, f.report()).has_value());
  CHECK(f.effects.count("spawn 7.1") == 1);
  CHECK_FALSE(last_record(f).stopped.has_value());
  CHECK(last_record(f).live.value() == 7);
  f.heal(7);
  CHECK(f.app.state() == "live");
}
