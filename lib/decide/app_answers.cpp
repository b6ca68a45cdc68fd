// What an app answers about itself: its generations, its state, and what its clients get.
#include <algorithm>

#include "decide/app.h"

namespace gracevisor::decide {

std::vector<const Generation*> App::generations() const {
  std::vector<const Generation*> all;
  if (live_ != nullptr) all.push_back(live_);
  for (const auto& generation : generations_) {
    if (generation.get() != live_) all.push_back(generation.get());
  }
  return all;
}

bool App::has(base::GenerationId generation) const {
  return std::any_of(generations_.begin(), generations_.end(),
                     [generation](const auto& g) { return g->id() == generation; });
}

void App::add_draining(std::vector<Identity>& into) const {
  for (const auto& generation : generations_) {
    for (const auto& instance : generation->instances()) {
      InstanceState state = instance->state();
      if (state == InstanceState::draining || state == InstanceState::closing) {
        into.push_back(instance->identity());
      }
    }
  }
}

routing::AppMode App::mode() const {
  if (!wanted_) return routing::AppMode::stopped;
  if (live_ == nullptr) return routing::AppMode::hold;
  if (live_->healthy() > 0) return routing::AppMode::live;
  std::optional<base::TimePoint> due = live_->due();
  bool soon = due && *due <= effects_.now() + live_->spec()->app.deploy.hold;
  return soon ? routing::AppMode::hold : routing::AppMode::stopped;
}

std::string_view App::state() const {
  if (live_ == nullptr && deploy_) return "deploying";
  if (live_ == nullptr) return wanted_ ? "starting" : "stopped";
  if (!wanted_) return live_->ended() ? "stopped" : "stopping";
  if (live_->healthy() > 0) return "live";
  bool fatal = false;
  for (const auto& instance : live_->instances()) {
    if (instance->crash_looping()) return "crash-loop";
    if (instance->state() == InstanceState::backoff) return "backoff";
    if (instance->state() == InstanceState::fatal) fatal = true;
  }
  if (fatal) return "fatal";
  return live_->due() ? "starting" : "stopped";
}

bool App::ended() const {
  return std::all_of(generations_.begin(), generations_.end(), [](const auto& g) { return g->ended(); });
}

}  // namespace gracevisor::decide
