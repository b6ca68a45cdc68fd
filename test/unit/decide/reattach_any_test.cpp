// Whatever record is accepted, with whatever children and slots: nothing is started twice, and all that is
// not wanted ends. The records are made by chance, but always the same.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "restart_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  unsigned up_to(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }
  bool one_in(unsigned n) { return up_to(n - 1) == 0; }

 private:
  std::minstd_rand random_;
};

AppState any_state(Chance& chance) {
  AppState state;
  state.app = "web";
  state.boot = "boot-1";
  state.last_generation = base::GenerationId(4 + chance.up_to(1));
  std::vector<unsigned> free = {1, 2, 3, 4};
  const auto take = [&] {
    const unsigned at = chance.up_to(static_cast<unsigned>(free.size()) - 1);
    const unsigned id = free[at];
    free.erase(free.begin() + at);
    return base::GenerationId(id);
  };
  std::vector<base::GenerationId> known = {base::GenerationId(0)};
  if (!chance.one_in(5)) {
    state.live = take();
    state.live_spec = whole_spec(1 + chance.up_to(2));
    known.push_back(state.live);
  }
  if (chance.one_in(2)) {
    state.candidate = take();
    state.candidate_spec = whole_spec(1 + chance.up_to(2));
    known.push_back(state.candidate);
  }
  while (!free.empty() && chance.one_in(2)) {
    state.leaving.push_back({take(), whole_spec(1 + chance.up_to(1))});
    known.push_back(state.leaving.back().id);
  }
  if (chance.one_in(4)) state.stopped = Stopped{0, {}};
  const auto any = [&] { return known[chance.up_to(static_cast<unsigned>(known.size()) - 1)]; };
  for (unsigned n = chance.up_to(2); n > 0; --n) {
    DeployState deploy{.generation = any(), .old = any(), .step = static_cast<DeployStep>(chance.up_to(3))};
    if (chance.one_in(2) && state.candidate_spec) deploy.generation = state.candidate;
    if (chance.one_in(2)) deploy.old = state.live;
    if (deploy.step == DeployStep::undoing) {
      deploy.ending = DeployEnding{chance.one_in(2) ? ExitCode::rolled_back : ExitCode::aborted, "undone"};
    }
    state.deploys.push_back(std::move(deploy));
  }
  return state;
}

std::vector<FoundChild> any_children(Chance& chance, base::BootTime now) {
  std::vector<FoundChild> children;
  for (std::uint64_t generation = 1; generation <= 5; ++generation) {
    for (unsigned slot = 0; slot <= 4; ++slot) {
      if (chance.one_in(2)) continue;
      const Identity who{base::AppId(1), base::GenerationId(generation), base::Slot(slot),
                         base::Incarnation(chance.up_to(3))};
      children.push_back({who, now - std::chrono::seconds(chance.up_to(100)), chance.one_in(2)});
    }
  }
  return children;
}

SlotsRecord any_slots(Chance& chance, base::BootTime now) {
  SlotsRecord record{"web", "boot-1", {}};
  for (std::uint64_t generation = 1; generation <= 4; ++generation) {
    for (unsigned slot = 1; slot <= 4; ++slot) {
      if (chance.one_in(3)) continue;
      record.slots.push_back({base::GenerationId(generation), base::Slot(slot),
                              base::Incarnation(chance.up_to(3)), static_cast<SlotState>(chance.up_to(6)),
                              chance.up_to(6), chance.up_to(9), now + std::chrono::seconds(chance.up_to(40)),
                              Exited{static_cast<int>(chance.up_to(1))}});
    }
  }
  return record;
}

// Each spawn is into a slot without a process.
void check_spawns(const Next& next, const std::set<std::string>& occupied) {
  for (const std::string& call : next.effects.calls) {
    if (!call.starts_with("spawn ")) continue;
    CAPTURE(call);
    CHECK_FALSE(occupied.contains(call.substr(6)));
  }
}

// How the slots are changes with App::changes() alone.
class SlotsSeen {
 public:
  explicit SlotsSeen(const App& app) : app_(app) {}
  void look() {
    if (app_.changes() == changes_) CHECK(app_.slots() == slots_);
    changes_ = app_.changes();
    slots_ = app_.slots();
  }

 private:
  const App& app_;
  std::uint64_t changes_ = app_.changes();
  SlotsRecord slots_ = app_.slots();
};

void drive(Next& next, Chance& chance) {
  SlotsSeen slots(next.app);
  if (chance.one_in(2)) next.app.trust_reattached();
  slots.look();
  for (int turn = 0; turn < 12; ++turn) {
    next.effects.advance(std::chrono::seconds(chance.up_to(3)));
    slots.look();
    std::vector<Identity> all;
    for (const Generation* generation : next.app.generations()) {
      for (const auto& instance : generation->instances()) all.push_back(instance->identity());
    }
    for (const Identity& who : all) {
      if (!next.app.has(who.generation) || chance.one_in(2)) continue;
      routing::ProbeReport report;
      (chance.one_in(3) ? report.failures_in_a_row : report.passes_in_a_row) = 3;
      next.app.on(who, Probed{report, next.owner_for(who, report)});
      slots.look();
      next.app.on_quiescent(who);
      slots.look();
    }
    if (!next.effects.records.empty()) next.written();
    slots.look();
    next.end_stopping();
    slots.look();
  }
}

}  // namespace

TEST_CASE("reattach: whatever a record says, no slot gets a second process, and all comes to its end") {
  unsigned accepted = 0;
  for (unsigned seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    Chance chance(seed);
    const auto state = from_text(to_text(any_state(chance)));
    if (!state) continue;
    ++accepted;
    Next next{Former()};
    const base::BootTime now = next.effects.boot_time();
    Remains remains{*state, any_slots(chance, now), any_children(chance, now)};
    if (chance.one_in(4)) remains.lose_slots();
    next.reattach(remains);
    const std::set<Identity> strange(next.strangers.begin(), next.strangers.end());
    CHECK(strange.size() == next.strangers.size());
    std::set<std::string> occupied;
    for (const FoundChild& child : remains.children) {
      if (strange.contains(child.who)) continue;
      occupied.insert(RecordingEffects::name(child.who));
      const Instance& instance = next.instance(child.who.generation.value(), child.who.slot.value());
      CHECK(instance.identity() == child.who);
      CHECK(instance.alive());
    }
    check_spawns(next, occupied);
    CHECK(next.app.wanted() == (state->live_spec != nullptr && !state->stopped));
    drive(next, chance);
    // Nothing but what is to serve is left, and no deploy, once a guard is over.
    for (int turn = 0; turn < 4; ++turn) {
      next.effects.advance(40s);
      if (!next.effects.records.empty()) next.written();
      next.end_stopping();
    }
    for (const Generation* generation : next.app.generations()) {
      if (generation != next.app.live()) CHECK(generation->ended());
    }
    for (const auto& report : next.effects.remembered) CHECK(report->finished());
    if (!next.app.wanted()) CHECK(next.app.ended());
    if (!next.effects.records.empty())
      CHECK(from_text(to_text(next.effects.records.back().second)).has_value());
  }
  CHECK(accepted > 500);
}
