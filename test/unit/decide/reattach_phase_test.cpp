// A daemon that is killed in each phase of a deploy, and what the next one makes of it.
#include <doctest/doctest.h>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<Spec> former_without_guard() {
  auto spec = whole_spec();
  spec->app.deploy.guard = 0ms;
  return spec;
}

enum class Left : std::uint8_t { both, old_ones, new_ones, none };

struct PhaseScene {
  const char* phase;
  std::function<void(Former&)> play;
};

// What is expected of the next daemon, by what is left.
struct Outcome {
  std::uint64_t live = 0;  // at once
  bool guards = false;
  std::size_t spawns = 0;        // within the turn
  std::optional<ExitCode> exit;  // of the deploy, once what ends has ended; unset: it goes on
};

struct Row {
  PhaseScene scene;
  Outcome both;
  Outcome old_ones;
  Outcome new_ones;
  Outcome none;
};

std::vector<Row> rows() {
  const auto aborted = ExitCode::aborted;
  const auto back = ExitCode::rolled_back;
  const auto done = ExitCode::done;
  const auto exited = ExitCode::exited_before_healthy;
  const Outcome guards{2, true, 0, {}};
  // Of a guard: with the old ones alone it cuts back, without them it can only go on.
  const auto guarded = [&](const char* phase, std::function<void(Former&)> play) {
    return Row{{phase, std::move(play)}, guards, {1, false, 0, back}, guards, {1, false, 2, back}};
  };
  const auto finishes = [&](const char* phase, std::function<void(Former&)> play) {
    return Row{{phase, std::move(play)},
               {2, false, 0, done},
               {2, false, 2, done},
               {2, false, 0, done},
               {2, false, 2, done}};
  };
  // The new one was on its way out already.
  const auto undoes = [&](const char* phase, ExitCode exit, std::function<void(Former&)> play) {
    return Row{{phase, std::move(play)},
               {1, false, 0, exit},
               {1, false, 0, exit},
               {1, false, 2, exit},
               {1, false, 2, exit}};
  };
  return {
      undoes("begun, and nothing runs", aborted, [](Former& f) { (void)f.begin_deploy(); }),
      undoes("checking", aborted,
             [](Former& f) {
               (void)f.begin_deploy();
               f.run(2, 1);
               f.run(2, 2);
               f.probe(2, 1, true);
             }),
      undoes("healthy, but not recorded", aborted,
             [](Former& f) {
               (void)f.begin_deploy();
               f.heal(2);
             }),
      guarded("recorded, but not cut over",
              [](Former& f) {
                (void)f.begin_deploy();
                f.heal(2);
                f.on_disk = f.effects.records.back().second;
              }),
      guarded("adopting",
              [](Former& f) {
                (void)f.begin_deploy();
                f.heal(2);
                f.write();
              }),
      guarded("guarding", [](Former& f) { (void)f.guard(); }),
      guarded("guarding, drained",
              [](Former& f) {
                (void)f.guard();
                f.drain(1);
              }),
      guarded("confirming, not written",
              [](Former& f) {
                (void)f.guard();
                f.effects.advance(10s);
              }),
      finishes("confirmed, not told",
               [](Former& f) {
                 (void)f.guard();
                 f.effects.advance(10s);
                 f.on_disk = f.effects.records.back().second;
               }),
      finishes("finishing, drains",
               [](Former& f) {
                 (void)f.guard();
                 f.effects.advance(10s);
                 f.write();
               }),
      finishes("finishing, stops",
               [](Former& f) {
                 (void)f.guard();
                 f.drain(1);
                 f.effects.advance(10s);
                 f.write();
               }),
      finishes("former_without_guard, recorded, but not cut over",
               [](Former& f) {
                 (void)f.begin_deploy(former_without_guard());
                 f.heal(2);
                 f.on_disk = f.effects.records.back().second;
               }),
      finishes("former_without_guard, cut over",
               [](Former& f) {
                 (void)f.begin_deploy(former_without_guard());
                 f.heal(2);
                 f.write();
                 f.adopted();
               }),
      undoes("aborting", exited,
             [](Former& f) {
               (void)f.begin_deploy();
               f.run(2, 2);
               f.run(2, 1);
               f.exit(2, 1, Exited{1});
               f.write();
             }),
      undoes("aborted by a user", aborted,
             [](Former& f) {
               (void)f.begin_deploy();
               f.run(2, 1);
               REQUIRE(f.app.abort(0, f.report()).has_value());
               f.write();
             }),
      undoes("rolling back", back,
             [](Former& f) {
               (void)f.guard();
               f.exit(2, 1, Exited{1});
               f.write();
             }),
  };
}

// Not a slot has two processes, and each process that was found either serves, waits, or was asked to end.
void check_processes(Next& next, const Remains& remains) {
  std::map<std::pair<std::uint64_t, unsigned>, int> in_slot;
  for (const FoundChild& child : remains.children) {
    const auto& [app, generation, slot, incarnation] = child.who;
    const std::string name = RecordingEffects::name(child.who);
    CAPTURE(name);
    CHECK(next.effects.count("spawn " + name) == 0);
    const Instance& instance = next.instance(generation.value(), slot.value());
    CHECK(instance.identity() == child.who);
    CHECK(instance.alive());
    const bool ends = next.effects.count("signal " + name + " 15") == 1;
    const bool stays = instance.unproven() || instance.routable() || instance.waits();
    CHECK(ends != stays);
    routing::ProbeReport passing;
    passing.passes_in_a_row = 5;
    CHECK_FALSE(next.app.needs_owner(child.who, passing));
  }
}

void run(const Row& row, Left left) {
  Former former;
  former.boot_web();
  row.scene.play(former);
  Remains remains = former.remains();
  if (left == Left::old_ones || left == Left::none) remains.lose(2);
  if (left == Left::new_ones || left == Left::none) remains.lose(1);
  const Outcome& expected = left == Left::both       ? row.both
                            : left == Left::old_ones ? row.old_ones
                            : left == Left::new_ones ? row.new_ones
                                                     : row.none;
  Next next(former);
  next.reattach(remains);
  CHECK(next.strangers.empty());
  check_processes(next, remains);
  next.effects.advance(0ms);
  CHECK(next.live() == expected.live);
  CHECK(next.app.guarding() == expected.guards);
  CHECK(next.app.wanted());
  CHECK(next.spawns() == expected.spawns);
  CHECK(next.app.last_generation() == base::GenerationId(2));
  // The command is told as the same.
  REQUIRE(next.effects.remembered.size() == 1);
  CHECK(next.effects.remembered[0]->command().verb == "deploy");
  CHECK(next.effects.remembered[0]->command().uid == 1000);
  CHECK(next.effects.remembered[0]->generation() == base::GenerationId(2));
  CHECK(next.effects.remembered[0]->lines().front().text.find("the daemon was restarted") !=
        std::string::npos);
  next.end_stopping();
  CHECK(next.exit_code() == expected.exit);
  if (!expected.exit) return;
  // The next daemon but one has nothing to do with it, and the slot is free.
  CHECK(next.app.can_deploy().has_value());
  REQUIRE_FALSE(next.effects.records.empty());
  const AppState& record = next.effects.records.back().second;
  CHECK(record.live == base::GenerationId(expected.live));
  CHECK(record.deploys.empty());
  CHECK(record.leaving.empty());
  CHECK(record.candidate_spec == nullptr);
  CHECK(record.last_generation == base::GenerationId(2));
}

}  // namespace

TEST_CASE("reattach: each phase of a deploy comes to its right end, whatever is left of either generation") {
  for (const Row& row : rows()) {
    for (Left left : {Left::both, Left::old_ones, Left::new_ones, Left::none}) {
      CAPTURE(row.scene.phase);
      CAPTURE(static_cast<int>(left));
      run(row, left);
    }
  }
}

TEST_CASE("reattach: the outcome of a deploy is told as it was recorded, or as the restart's") {
  const std::map<std::string, std::string> texts = {
      {"checking", "web@2 aborted: the daemon was restarted"},
      {"aborting", "web@2 exited before it was healthy (exit 1); @1 serves 2/2"},
      {"aborted by a user", "web@2 aborted by root in checking after 0.0 s; @1 serves 2/2"},
      {"rolling back", "web@2 rolled back to @1 after 0.0 s: 2.1 exit 1"},
  };
  for (const Row& row : rows()) {
    const auto text = texts.find(row.scene.phase);
    if (text == texts.end()) continue;
    CAPTURE(row.scene.phase);
    Former former;
    former.boot_web();
    row.scene.play(former);
    Next next(former);
    next.reattach(former.remains());
    CHECK(next.told().empty());
    next.end_stopping();
    CHECK(next.told() == text->second);
  }
}

TEST_CASE("reattach: a stop during a deploy is a stop for the next daemon, and the deploy is told") {
  for (const Row& row : rows()) {
    CAPTURE(row.scene.phase);
    Former former;
    former.boot_web();
    row.scene.play(former);
    if (former.app.stopped()) continue;
    REQUIRE(former.stop(Haste::drain, former.report()).has_value());
    former.write();
    const Remains remains = former.remains();
    Next next(former);
    next.reattach(remains);
    CHECK(next.strangers.empty());
    CHECK_FALSE(next.app.wanted());
    CHECK(next.app.stopped().has_value());
    CHECK(next.app.mode() == routing::AppMode::stopped);
    for (const FoundChild& child : remains.children) {
      CHECK(next.effects.count("signal " + RecordingEffects::name(child.who) + " 15") == 1);
    }
    next.end_stopping();
    next.effects.advance(60s);
    CHECK(next.app.ended());
    CHECK(next.app.state() == "stopped");
    CHECK(next.spawns() == 0);
    for (const auto& report : next.effects.remembered) CHECK(report->finished());
    REQUIRE(next.app.start(nullptr, next.report()).has_value());
    CHECK(next.spawns() == 2);
    CHECK(next.app.live()->id() == remains.state.live);
  }
}

TEST_CASE("reattach: the first deploy of an app leaves nothing behind if it had not taken over") {
  Former former;
  (void)former.begin_deploy();
  // Its own number is 1 here.
  former.run(1, 1);
  Next next(former);
  next.reattach(former.remains());
  CHECK(next.live() == 0);
  CHECK_FALSE(next.app.wanted());
  CHECK(next.effects.count("signal 1.1 15") == 1);
  next.end_stopping();
  CHECK(next.exit_code() == ExitCode::aborted);
  CHECK(next.app.ended());
  REQUIRE(next.app.start(whole_spec(), next.report()).has_value());
  CHECK(next.live() == 2);
}

TEST_CASE("reattach: a deploy of a stopped app that had not taken over leaves it stopped") {
  Former former;
  former.boot_web();
  REQUIRE(former.stop(Haste::signal, former.report()).has_value());
  former.drain(1);
  former.exit(1, 1);
  former.exit(1, 2);
  former.write();
  (void)former.begin_deploy();
  former.run(2, 1);
  Next next(former);
  next.reattach(former.remains());
  CHECK(next.live() == 1);
  CHECK(next.app.stopped().has_value());
  next.end_stopping();
  CHECK(next.exit_code() == ExitCode::aborted);
  CHECK(next.app.state() == "stopped");
  CHECK(next.spawns() == 0);
  CHECK(next.effects.records.back().second.stopped.has_value());
}

TEST_CASE("reattach: every generation that still leaves ends, and every deploy is told") {
  Former former;
  former.boot_web();
  (void)former.guard();
  former.effects.advance(10s);
  former.write();  // 1 drains, the slot is free
  auto second = former.report_of("restart", 0);
  REQUIRE(former.app.deploy(whole_spec(), second).has_value());
  former.heal(3);
  former.write();
  former.adopted();
  const Remains remains = former.remains();
  CHECK(remains.state.leaving.size() == 1);
  CHECK(remains.state.deploys.size() == 2);
  Next next(former);
  next.reattach(remains);
  CHECK(next.live() == 3);
  CHECK(next.app.guarding());
  CHECK(next.effects.count("signal 1.1 15") == 1);
  CHECK(next.effects.count("signal 2.1 15") == 0);
  next.end_stopping();
  REQUIRE(next.effects.remembered.size() == 2);
  CHECK(next.effects.remembered[0]->lines().back().exit == ExitCode::done);
  CHECK(next.effects.remembered[1]->command().verb == "restart");
  CHECK_FALSE(next.effects.remembered[1]->finished());
  CHECK(next.app.last_deploy() == next.effects.remembered[1]);
  // A second crash within the guard does not tell the first deploy again.
  CHECK(next.effects.records.back().second.deploys.size() == 1);
  CHECK(next.effects.records.back().second.guarding());
}
