// What an app has kept for the next daemon: its state record, and how its slots fare.
#include <algorithm>

#include "decide/app.h"

namespace gracevisor::decide {
namespace {

using spec::DeployStep;

bool is_among(const std::vector<base::GenerationId>& ids, base::GenerationId id) {
  return std::ranges::find(ids, id) != ids.end();
}

template <class Entries>
void keep_newest(Entries& entries, std::size_t most) {
  if (entries.size() > most)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(most));
}

}  // namespace

// Something of it runs, or a deploy has still to tell of it.
bool App::unfinished(const Generation& generation) const {
  if (!generation.ended() || (deploy_ && deploy_->refers_to(generation))) return true;
  return std::ranges::any_of(finishing_, [&](const auto& deploy) { return deploy->refers_to(generation); });
}

spec::AppState App::to_record() const {
  spec::AppState state;
  state.app = name_;
  state.last_generation = last_generation_;
  state.boot = knowledge_.boot_id();
  const Generation* live = live_;
  const Generation* candidate = nullptr;
  // A stop is over with the cutover, whose record this may be.
  bool takes_over = false;
  if (deploy_) {
    switch (deploy_->step()) {
      case DeployStep::spawning: candidate = &deploy_->candidate(); break;
      case DeployStep::guarding:
        live = deploy_->old();
        candidate = &deploy_->candidate();
        takes_over = true;
        break;
      case DeployStep::finishing:
        live = &deploy_->candidate();
        takes_over = true;
        break;
      case DeployStep::undoing: break;
    }
  }
  if (live != nullptr && !removing_) {
    state.live = live->id();
    state.live_spec = live->spec();
  }
  if (candidate != nullptr) {
    state.candidate = candidate->id();
    state.candidate_spec = candidate->spec();
  }
  if (!takes_over) state.stopped = stopped_;
  std::vector<base::GenerationId> named = {state.live, state.candidate};
  for (const auto& generation : generations_) {
    if (is_among(named, generation->id()) || !unfinished(*generation)) continue;
    state.leaving.push_back({generation->id(), generation->spec()});
  }
  keep_newest(state.leaving, spec::kMostLeaving);
  for (const spec::FrozenGeneration& one : state.leaving) named.push_back(one.id);
  const auto add = [&](const Deploy& deploy) {
    const bool whole = is_among(named, deploy.candidate().id()) &&
                       (deploy.old() == nullptr || is_among(named, deploy.old()->id()));
    if (whole) state.deploys.push_back(deploy.state());
  };
  for (const auto& deploy : finishing_) {
    if (deploy->phase() != Deploy::Phase::ended) add(*deploy);
  }
  if (deploy_) add(*deploy_);
  keep_newest(state.deploys, spec::kMostDeploys);
  return state;
}

std::uint64_t App::record() {
  spec::AppState state = to_record();
  note_recorded(state);
  return records_.write(std::move(state));
}

void App::note_recorded(const spec::AppState& state) {
  recorded_generations_.clear();
  recorded_deploys_.clear();
  for (const spec::FrozenGeneration& one : state.leaving) recorded_generations_.push_back(one.id);
  if (state.candidate_spec) recorded_generations_.push_back(state.candidate);
  for (const spec::DeployState& one : state.deploys) recorded_deploys_.push_back(one.generation);
}

// What has ended must not be brought to its end once more by the next daemon.
void App::record_ends() {
  const auto generation_is_over = [this](base::GenerationId id) {
    return std::ranges::none_of(generations_, [&](const auto& one) {
      return one->id() == id && (one.get() == live_ || unfinished(*one));
    });
  };
  const auto deploy_is_over = [this](base::GenerationId id) {
    const auto brings = [id](const auto& deploy) { return deploy->candidate().id() == id; };
    return !(deploy_ && brings(deploy_)) && std::ranges::none_of(finishing_, brings);
  };
  if (std::ranges::any_of(recorded_generations_, generation_is_over) ||
      std::ranges::any_of(recorded_deploys_, deploy_is_over)) {
    record();
  }
}

spec::SlotsRecord App::slots() const {
  spec::SlotsRecord record{name_, knowledge_.boot_id(), {}};
  for (const Generation* generation : {static_cast<const Generation*>(live_), fallback()}) {
    if (generation == nullptr) continue;
    for (const auto& instance : generation->instances()) {
      if (auto slot = instance->record()) record.slots.push_back(std::move(*slot));
    }
  }
  return record;
}

}  // namespace gracevisor::decide
