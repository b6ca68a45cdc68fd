#include "decide/reload.h"

#include <fmt/format.h>

#include <algorithm>

namespace gracevisor::decide {
namespace {

using Action = ReloadStep::Action;

bool takes_time(Action action) {
  return action == Action::deploy || action == Action::start || action == Action::remove;
}

bool does_something(Action action) {
  return action == Action::adjust || takes_time(action);
}

}  // namespace

Reload::Reload(std::vector<ReloadStep> steps) : steps_(std::move(steps)) {
  for (const ReloadStep& step : steps_) {
    if (!does_something(step.action)) continue;
    waiting_.push_back(step);
    if (step.heirs.empty() || step.action == Action::remove) continue;
    ReloadStep yield{
        .app = step.app, .action = Action::yield, .differences = {}, .heirs = step.heirs, .held = step.held};
    yields_.push_back(std::move(yield));
  }
}

std::vector<ReloadStep> Reload::at_once() {
  std::vector<ReloadStep> steps;
  std::erase_if(waiting_, [&](const ReloadStep& step) {
    if (step.action != Action::adjust || !step.after.empty()) return false;
    steps.push_back(step);
    fates_[step.app] = Fate::done;
    return true;
  });
  return steps;
}

bool Reload::is_pending(const std::string& app) const {
  return under_way_.contains(app) || std::ranges::find(waiting_, app, &ReloadStep::app) != waiting_.end();
}

bool Reload::is_done(const std::string& app) const {
  auto fate = fates_.find(app);
  return fate != fates_.end() && fate->second == Fate::done;
}

bool Reload::heirs_serve(const ReloadStep& step) const {
  return std::ranges::all_of(step.heirs, [this](const auto& heir) { return is_done(heir); });
}

bool Reload::is_hopeless(const ReloadStep& step) const {
  const auto lost = [this](const std::string& app) { return !is_done(app) && !is_pending(app); };
  return step.held || std::ranges::any_of(step.heirs, lost) ||
         (step.action == Action::yield && lost(step.app));
}

// It may still have what others wait for.
bool Reload::holds_back(const std::string& app) const {
  return is_pending(app) || std::ranges::find(yields_, app, &ReloadStep::app) != yields_.end();
}

bool Reload::may_begin(const ReloadStep& step) const {
  const auto busy =
      std::ranges::count_if(under_way_, [](const auto& one) { return takes_time(one.second.action); });
  if (takes_time(step.action) && static_cast<std::size_t>(busy) >= kAtOnce) return false;
  if (std::ranges::any_of(step.after, [this](const auto& app) { return holds_back(app); })) return false;
  return step.action != Action::remove || heirs_serve(step);
}

std::vector<ReloadStep> Reload::next() {
  std::vector<ReloadStep> begun;
  const auto begin = [&](const ReloadStep& step) {
    begun.push_back(step);
    under_way_.emplace(step.app, step);
  };
  std::vector<ReloadStep> left;
  for (const ReloadStep& step : yields_) {
    if (is_hopeless(step)) {
      given_up_.push_back(step);
    } else if (heirs_serve(step) && is_done(step.app)) {
      begin(step);
    } else {
      left.push_back(step);
    }
  }
  yields_ = std::exchange(left, {});
  for (const ReloadStep& step : waiting_) {
    if (step.action == Action::remove && is_hopeless(step)) {
      fates_[step.app] = Fate::given_up;
      given_up_.push_back(step);
    } else if (may_begin(step)) {
      begin(step);
    } else {
      left.push_back(step);
    }
  }
  waiting_ = std::move(left);
  // Those that wait for each other: one has to go first, and fails if it cannot.
  if (under_way_.empty() && !waiting_.empty()) {
    auto first = std::ranges::find_if(waiting_, [](const auto& one) { return one.action != Action::remove; });
    if (first == waiting_.end()) first = waiting_.begin();
    begin(*first);
    waiting_.erase(first);
  }
  return begun;
}

void Reload::done(const std::string& app, base::ExitCode exit) {
  if (under_way_.erase(app) == 0) return;
  fates_[app] = exit == base::ExitCode::done ? Fate::done : Fate::failed;
  if (exit != base::ExitCode::done) failures_.push_back(exit);
}

std::string_view Reload::outcome(const ReloadStep& step) const {
  if (auto fate = fates_.find(step.app); fate != fates_.end()) {
    if (fate->second == Fate::failed) return "failed";
    if (fate->second == Fate::given_up) return "left as they were";
  }
  switch (step.action) {
    case Action::none:
    case Action::yield: return "";
    case Action::adjust: return "changed at once";
    case Action::deploy: return "deployed";
    case Action::start: return "started";
    case Action::keep: return "to change with their next start";
    case Action::leave: return "left alone";
    case Action::remove: return "removed";
    case Action::skip: return "busy";
  }
  return "";
}

std::string Reload::summary() const {
  std::vector<std::pair<std::string_view, std::size_t>> counts;  // in the order of their first apps
  for (const ReloadStep& step : steps_) {
    const std::string_view what = outcome(step);
    if (what.empty()) continue;
    auto count = std::ranges::find(counts, what, [](const auto& one) { return one.first; });
    if (count == counts.end()) count = counts.insert(counts.end(), {what, 0});
    ++count->second;
  }
  std::string text;
  for (const auto& [what, number] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, what);
  }
  return text;
}

base::ExitCode Reload::exit() const {
  const auto acting =
      std::ranges::count_if(steps_, [](const ReloadStep& step) { return does_something(step.action); });
  if (failures_.empty()) {
    const auto skipped = std::ranges::find(steps_, Action::skip, &ReloadStep::action);
    if (skipped == steps_.end()) return base::ExitCode::done;
    if (acting == 0) return base::ExitCode::busy;
    return skipped->asked ? base::ExitCode::some_failed : base::ExitCode::done;
  }
  return acting == 1 ? failures_.front() : base::ExitCode::some_failed;
}

}  // namespace gracevisor::decide
