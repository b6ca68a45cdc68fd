#include "decide/app_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "base/listed.h"

namespace gracevisor::decide {
namespace {

std::string shown(const AppFolder::Names& names) {
  constexpr std::size_t kMost = 5;
  return base::listed(names, kMost);
}

}  // namespace

AppFolder::AppFolder(Files in_force, base::TimePoint now)
    : in_force_(std::move(in_force)), seen_(in_force_), looked_(now) {}

void AppFolder::notice(base::TimePoint now) {
  noticed_ = now;
}

base::TimePoint AppFolder::due() const {
  base::TimePoint due = looked_ + kLookAgain;
  if (noticed_) due = std::min(due, *noticed_);
  for (const auto& [name, change] : changes_) {
    if (!change.settled) due = std::min(due, change.since + kSettle);
  }
  if (held_.empty()) {
    for (const auto& [name, since] : missing_) due = std::min(due, since + kGone);
    for (const std::string& name : shrunk_) due = std::min(due, changes_.at(name).since + kGone);
  }
  return std::max(due, looked_ + kSettle);
}

AppFolder::Plan AppFolder::look(base::TimePoint now, const base::Expected<Files>& seen) {
  looked_ = now;
  const auto noticed = std::exchange(noticed_, std::nullopt);
  if (!seen) {
    unreadable_ = seen.error().what;
    missing_.clear();
    return {};
  }
  const bool could_be_read = std::exchange(unreadable_, {}).empty();
  seen_ = *seen;
  note_changes(now);
  note_missing(noticed && could_be_read ? *noticed : now);
  Plan plan;
  for (const auto& [name, since] : missing_) plan.missing.insert(name);
  if (is_ready(now)) {
    // What is missing may have moved there: it is judged by the next look.
    set_changed(plan);
    return plan;
  }
  std::map<std::string, base::TimePoint> lost = missing_;
  for (const std::string& name : shrunk_) lost.emplace(name, changes_.at(name).since);
  // Or into what has yet to settle, for which it waits longer.
  const base::Duration wait = is_changing() ? kLongest : kGone;
  const auto is_due = [&](const auto& one) { return now >= one.second + wait; };
  if (is_accident() && (!is_changing() || std::ranges::any_of(lost, is_due))) {
    for (const auto& [name, since] : lost) held_.insert(name);
  }
  if (!held_.empty()) return {};
  for (const auto& one : lost) {
    if (is_due(one)) (shrunk_.contains(one.first) ? plan.shrunk : plan.gone).insert(one.first);
  }
  // What they leave may be what others were refused for.
  if (!plan.gone.empty() || !plan.shrunk.empty()) set_changed(plan);
  return plan;
}

void AppFolder::note_changes(base::TimePoint now) {
  for (const auto& [name, stamp] : seen_) {
    const auto in_force = in_force_.find(name);
    if (in_force != in_force_.end() && in_force->second == stamp) {
      changes_.erase(name);
      continue;
    }
    const auto [at, is_new] = changes_.try_emplace(name, Change{stamp, now, now});
    Change& change = at->second;
    // What it lost stays lost until it is tried again.
    if (change.stamp != stamp) change = {stamp, now, change.settled ? now : change.first};
    change.settled = now >= change.since + kSettle;
  }
  std::erase_if(changes_, [this](const auto& one) { return !seen_.contains(one.first); });
  const auto is_over = [this](const std::string& name) { return !changes_.contains(name); };
  std::erase_if(tried_, [&](const auto& one) { return is_over(one.first); });
  std::erase_if(shrunk_, is_over);
  std::erase_if(emptied_, is_over);
}

void AppFolder::note_missing(base::TimePoint since) {
  std::erase_if(missing_, [this](const auto& one) { return seen_.contains(one.first); });
  for (const auto& [name, stamp] : in_force_) {
    if (!seen_.contains(name)) missing_.try_emplace(name, since);
  }
  std::erase_if(
      held_, [this](const std::string& name) { return !missing_.contains(name) && !shrunk_.contains(name); });
}

bool AppFolder::is_accident() const {
  if (missing_.empty() && shrunk_.empty()) return false;
  const std::size_t lost = missing_.size() + shrunk_.size() + emptied_.size();
  return seen_.empty() || lost * 2 > in_force_.size();
}

// Has it settled, and was it not tried before?
bool AppFolder::is_fresh(const std::string& name, const Change& change) const {
  const auto tried = tried_.find(name);
  return change.settled && (tried == tried_.end() || tried->second != change.stamp);
}

bool AppFolder::is_changing() const {
  return std::ranges::any_of(changes_, [](const auto& one) { return !one.second.settled; });
}

// Is there a change to be applied?
bool AppFolder::is_ready(base::TimePoint now) const {
  const bool is_changing = this->is_changing();
  return std::ranges::any_of(changes_, [&](const auto& one) {
    const auto& [name, change] = one;
    return is_fresh(name, change) && (!is_changing || now >= change.since + kTogether);
  });
}

void AppFolder::set_changed(Plan& plan) const {
  for (const auto& [name, change] : changes_) {
    if (!change.settled) continue;
    plan.changed.insert(name);
    plan.stamps.emplace(name, change.stamp);
  }
}

void AppFolder::done(const Plan& plan, const Outcome& outcome, base::TimePoint now) {
  for (const std::string& name : plan.changed) {
    if (outcome.busy.contains(name)) continue;
    shrunk_.erase(name);
    emptied_.erase(name);
    if (outcome.shrunk.contains(name)) shrunk_.insert(name);
    if (outcome.emptied.contains(name)) emptied_.insert(name);
    if (outcome.shrunk.contains(name) || outcome.refused.contains(name)) {
      tried_[name] = seen_.at(name);
    } else {
      applied(name);
    }
  }
  for (const std::string& name : plan.missing) {
    if (outcome.busy.contains(name)) continue;
    const bool is_over = plan.gone.contains(name) && !outcome.refused.contains(name);
    if (is_over || outcome.dropped.contains(name)) {
      in_force_.erase(name);
      missing_.erase(name);
      held_.erase(name);
    } else if (plan.gone.contains(name)) {
      missing_[name] = now;
    }
  }
  if (!outcome.busy.empty()) notice(now);
}

void AppFolder::applied(const std::string& name) {
  in_force_[name] = seen_.at(name);
  tried_.erase(name);
  changes_.erase(name);
  held_.erase(name);
}

void AppFolder::reloaded(Files in_force, bool removed, base::TimePoint now) {
  seen_ = in_force;
  if (!removed) in_force.insert(in_force_.begin(), in_force_.end());
  in_force_ = std::move(in_force);
  // All of it was read, whether or not it had settled.
  changes_.clear();
  tried_.clear();
  shrunk_.clear();
  emptied_.clear();
  unreadable_.clear();
  if (removed) {
    missing_.clear();
    held_.clear();
  }
  note_missing(now);
  notice(now);
}

AppFolder::Names AppFolder::restless() const {
  Names names;
  for (const auto& [name, change] : changes_) {
    if (!change.settled && looked_ >= change.first + kLongest) names.insert(name);
  }
  return names;
}

std::string AppFolder::trouble() const {
  constexpr std::string_view kRemedy =
      "nothing is removed until they are back, unless by gvctl reload --remove";
  if (!unreadable_.empty()) return fmt::format("cannot be read, and nothing is removed: {}", unreadable_);
  if (held_.empty()) return {};
  if (seen_.empty()) return fmt::format("is empty, but had {}; {}", shown(held_), kRemedy);
  if (std::ranges::any_of(held_, [this](const std::string& name) { return shrunk_.contains(name); })) {
    return fmt::format("lost apps of more than half of its files at once: {}; {}", shown(held_), kRemedy);
  }
  return fmt::format("lost {} at once, more than half of its files; {}", shown(held_), kRemedy);
}

}  // namespace gracevisor::decide
