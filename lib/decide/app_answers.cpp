// What an app answers about itself: its generations, its state, and what its clients get.
#include <fmt/format.h>

#include <algorithm>

#include "decide/app.h"
#include "decide/explain.h"

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
  bool soon = due && *due <= knowledge_.now() + live_->spec()->app.deploy.hold;
  if (soon) return routing::AppMode::hold;
  const bool crashed = std::ranges::any_of(live_->instances(), [](const auto& i) {
    return i->state() == InstanceState::backoff || i->state() == InstanceState::fatal;
  });
  return crashed ? routing::AppMode::crash_loop : routing::AppMode::stopped;
}

// "web@1 exited before it was healthy (KeyError: 'URL', app.py line 4); …", or of one that was healthy once
// "1.1 exit 1: KeyError: 'URL', app.py line 4"; and "; 6 failures in a row: gvctl logs web".
std::optional<std::string> App::failure() const {
  if (!wanted_ || live_ == nullptr) return std::nullopt;
  const Instance* lost = live_->first_failure();
  const bool rests = lost != nullptr && lost->state() == InstanceState::stopped &&
                     clean(*lost->last_exit(), live_->spec()->app.restart.success_exit_codes);
  if (lost == nullptr || rests) return start_failure_ ? std::optional(start_failure_->text) : std::nullopt;
  const std::string words = last_words_of(*lost, knowledge_);
  std::string text;
  const bool given_up = lost->state() == InstanceState::fatal;
  if (start_failure_ && start_failure_->words == words && !given_up) {
    text = start_failure_->text;
  } else {
    text = fmt::format("{} {}{}{}", routing::instance_name(lost->identity()), spawn::text(*lost->last_exit()),
                       words.empty() ? "" : ": ", words);
  }
  if (const unsigned failures = lost->failures_in_a_row(); failures > 1) {
    text += fmt::format("; {} failures in a row", failures);
  }
  if (given_up) {
    const std::string_view again = lost->tried_again() ? "given up for now" : "given up";
    return fmt::format("{}, and {}: gvctl logs {}, then gvctl start {}", text, again, name_, name_);
  }
  return words.empty() ? text : text + ": gvctl logs " + name_;
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

std::shared_ptr<Report> App::under_way() const {
  if (deploy_) return deploy_->report();
  std::shared_ptr<Report> newest;
  const auto consider = [&newest](const std::shared_ptr<Report>& one) {
    if (!one->finished() && (newest == nullptr || one->began() >= newest->began())) newest = one;
  };
  for (const auto& deploy : finishing_) consider(deploy->report());
  for (const Wait& wait : waits_) consider(wait.report);
  return newest;
}

bool App::ended() const {
  return std::all_of(generations_.begin(), generations_.end(), [](const auto& g) { return g->ended(); });
}

}  // namespace gracevisor::decide
