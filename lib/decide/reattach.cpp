// An app under a new daemon, whose keeper has kept its processes: each generation is what the record says.
//
//   recorded               live           candidate        the deploy
//   no deploy              serves         -                -
//   spawning               serves         ends             told as aborted
//   guarding               waits          serves           goes on, and cuts back if need be
//   guarding, none found   starts anew    -                told as rolled back
//   finishing              serves         -                done when the old one has ended
//   undoing                serves         -                ends as it would have
//   stopped                ends           ends             told as aborted, or as it would have ended
//
// All other generations end. The cutover is over as soon as its record is on disk: nobody can tell any more
// whether it came to be, and all instances of the candidate were healthy. Nobody holds a lease of anything
// that was started before, so nothing drains. A second process in a slot is impossible: see
// Generation::reattach().
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>

#include "decide/app.h"

namespace gracevisor::decide {
namespace {

using spec::DeployStep;

constexpr std::string_view kRestarted = "the daemon was restarted";

// Can there be an instance that is called so?
bool is_sound(const Identity& who, base::AppId app) {
  return who.app == app && who.slot >= base::Slot(1) && who.slot <= base::Slot(config::kMostInstances) &&
         who.incarnation > base::Incarnation(0);
}

}  // namespace

// The children that belong to a generation, one for each slot; and all others.
struct App::Found {
  std::map<base::GenerationId, std::vector<FoundChild>> children;
  std::vector<Identity> strangers;

  [[nodiscard]] bool any_of(base::GenerationId generation) const { return children.contains(generation); }
};

std::vector<Identity> App::reattach(const spec::AppState& state, const spec::SlotsRecord* slots,
                                    const std::vector<FoundChild>& children) {
  assert(generations_.empty());
  Found found;
  const std::vector<spec::FrozenGeneration> known = spec::reattachable(state, knowledge_.boot_id());
  for (const FoundChild& child : children) {
    // A number that was used is never used again, although the record of that may not have reached the disk.
    if (child.who.app == id_ && child.who.generation <= base::GenerationId(spec::kMaxGeneration)) {
      last_generation_ = std::max(last_generation_, child.who.generation);
    }
    const bool ours = is_sound(child.who, id_) && std::ranges::any_of(known, [&child](const auto& one) {
                        return one.id == child.who.generation;
                      });
    if (!ours) {
      found.strangers.push_back(child.who);
      continue;
    }
    std::vector<FoundChild>& of_generation = found.children[child.who.generation];
    const auto same =
        std::ranges::find(of_generation, child.who.slot, [](const auto& one) { return one.who.slot; });
    if (same == of_generation.end()) {
      of_generation.push_back(child);
      continue;
    }
    // The keeper has one row for a slot. If it had two, the newest would be the slot's.
    FoundChild other = child;
    if (other.who.incarnation > same->who.incarnation) std::swap(other, *same);
    found.strangers.push_back(other.who);
  }
  if (state.boot != knowledge_.boot_id()) return found.strangers;
  const bool fitting = slots != nullptr && slots->app == name_ && slots->boot == state.boot;
  rebuild(state, fitting ? slots : nullptr, found);
  return found.strangers;
}

void App::rebuild(const spec::AppState& state, const spec::SlotsRecord* slots, const Found& found) {
  last_generation_ = std::max(last_generation_, state.last_generation);
  stopped_ = state.stopped;
  wanted_ = state.live_spec != nullptr && !stopped_;
  const bool cut_over =
      state.guarding() && wanted_ && (found.any_of(state.candidate) || found.any_of(state.live));
  // All instances of what takes over are healthy then, which their slots' record may not say yet.
  const bool has_taken_over =
      cut_over || std::ranges::any_of(state.deploys, [&state](const auto& deploy) {
        return deploy.step == DeployStep::finishing && deploy.generation == state.live;
      });
  std::vector<spec::FrozenGeneration> known = spec::reattachable(state, knowledge_.boot_id());
  std::ranges::sort(known, {}, &spec::FrozenGeneration::id);
  for (const spec::FrozenGeneration& one : known) {
    const bool is_live = state.live_spec && one.id == state.live;
    const bool is_candidate = state.candidate_spec && one.id == state.candidate;
    Lot lot = Lot::finish;
    if (wanted_ && is_live) lot = cut_over ? Lot::wait : Lot::serve;
    if (cut_over && is_candidate) lot = Lot::serve;
    Generation& generation = add_generation(one.spec, lot == Lot::serve ? Role::live : Role::leaving, one.id);
    if (lot == Lot::serve || (is_live && !cut_over)) live_ = &generation;
    const auto children = found.children.find(one.id);
    generation.reattach(children != found.children.end() ? children->second : std::vector<FoundChild>(),
                        slots, lot, has_taken_over);
  }
  note_recorded(state);
  for (const spec::DeployState& deploy : state.deploys) resume_deploy(deploy, cut_over);
  effects_.publish();
  advance();
}

void App::resume_deploy(spec::DeployState deploy, bool cut_over) {
  const auto generation = [this](base::GenerationId id) -> Generation* {
    const auto it = std::ranges::find(generations_, id, [](const auto& one) { return one->id(); });
    return it == generations_.end() ? nullptr : it->get();
  };
  Generation& candidate = *generation(deploy.generation);
  Generation* old = generation(deploy.old);
  const bool unguarded = deploy.step == DeployStep::guarding && !cut_over;
  if (unguarded && !stopped_) {
    deploy.ending = {ExitCode::rolled_back,
                     fmt::format("{} rolled back to @{}: {}, and no process of either was left",
                                 candidate.name(), deploy.old.value(), kRestarted)};
  } else if (unguarded || deploy.step == DeployStep::spawning) {
    deploy.ending = {ExitCode::aborted, fmt::format("{} aborted: {}", candidate.name(), kRestarted)};
  }
  if (deploy.ending) deploy.step = DeployStep::undoing;
  const base::Duration age = knowledge_.boot_time() - deploy.began;
  auto report = std::make_shared<Report>(knowledge_.now() - std::max(age, base::Duration::zero()),
                                         Command{std::move(deploy.verb), deploy.uid});
  deploy.verb.clear();
  remember(report, &candidate);
  last_deploy_ = report;
  DeployHost& host = *this;
  auto resumed = std::make_unique<Deploy>(id_, candidate, old, host, Surroundings{effects_, knowledge_},
                                          std::move(report));
  Deploy& its = *resumed;
  // One that guards can be aborted, and cuts back: it holds the slot before anything follows from it.
  if (deploy.step == DeployStep::guarding) {
    deploy_ = std::move(resumed);
  } else {
    finishing_.push_back(std::move(resumed));
  }
  its.resume(deploy);
}

void App::trust_reattached(Trusted which) {
  if (live_ == nullptr || live_->role() != Role::live) return;
  if (which == Trusted::where_none_serves && live_->healthy() > 0) return;
  for (const auto& instance : live_->instances()) instance->trust();
  advance();
}

}  // namespace gracevisor::decide
