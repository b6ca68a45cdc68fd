#include "decide/app_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace gracevisor::decide {
namespace {

std::string shown(const AppFolder::Names& names) {
  constexpr std::size_t kMost = 5;
  const auto end = std::next(names.begin(), static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  const std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  return names.size() > kMost ? fmt::format("{} and {} more", text, names.size() - kMost) : text;
}

}  // namespace

AppFolder::AppFolder(Files in_force, base::TimePoint now)
    : in_force_(std::move(in_force)), seen_(in_force_), looked_(now) {}

void AppFolder::notice(base::TimePoint now) {
  if (!pending_) pending_ = Pending{now, now};
  pending_->last = now;
}

bool AppFolder::settled(base::TimePoint now) const {
  return now >= pending_->last + kSettle || now >= pending_->first + kLongest;
}

base::TimePoint AppFolder::due() const {
  base::TimePoint due = looked_ + kLookAgain;
  if (pending_) due = std::min({due, pending_->last + kSettle, pending_->first + kLongest});
  if (held_.empty()) {
    for (const auto& [name, since] : missing_) due = std::min(due, since + kGone);
  }
  return std::max(due, looked_ + kSettle);
}

AppFolder::Plan AppFolder::look(base::TimePoint now, const base::Expected<Files>& seen) {
  looked_ = now;
  if (!seen) {
    unreadable_ = seen.error().what;
    missing_.clear();
    pending_.reset();
    return {};
  }
  const bool could_be_read = std::exchange(unreadable_, {}).empty();
  if (*seen != seen_ && !pending_) notice(now);
  seen_ = *seen;
  note_missing(pending_ && could_be_read ? pending_->last : now);
  Plan plan;
  for (const auto& [name, since] : missing_) plan.missing.insert(name);
  if (pending_) {
    if (!settled(now)) return {};
    pending_.reset();
    if (any_fresh()) {
      // What is missing may have moved there: it is judged by the next look.
      plan.changed = changed();
      return plan;
    }
  }
  if (is_accident()) held_.insert(plan.missing.begin(), plan.missing.end());
  if (!held_.empty()) return {};
  for (const auto& [name, since] : missing_) {
    if (now >= since + kGone) plan.gone.insert(name);
  }
  // What they leave may be what others were refused for.
  if (!plan.gone.empty()) plan.changed = changed();
  return plan;
}

void AppFolder::note_missing(base::TimePoint since) {
  std::erase_if(missing_, [this](const auto& one) { return seen_.contains(one.first); });
  for (const auto& [name, stamp] : in_force_) {
    if (!seen_.contains(name)) missing_.try_emplace(name, since);
  }
  std::erase_if(held_, [this](const std::string& name) { return !missing_.contains(name); });
}

bool AppFolder::is_accident() const {
  return !missing_.empty() && (seen_.empty() || missing_.size() * 2 > in_force_.size());
}

AppFolder::Names AppFolder::changed() const {
  Names names;
  for (const auto& [name, stamp] : seen_) {
    const auto in_force = in_force_.find(name);
    if (in_force == in_force_.end() || in_force->second != stamp) names.insert(name);
  }
  return names;
}

// Is there a change that was not refused before?
bool AppFolder::any_fresh() const {
  const Names names = changed();
  return std::ranges::any_of(names, [this](const std::string& name) {
    const auto tried = tried_.find(name);
    return tried == tried_.end() || tried->second != seen_.at(name);
  });
}

void AppFolder::done(const Plan& plan, const Outcome& outcome, base::TimePoint now) {
  for (const std::string& name : plan.changed) {
    if (outcome.busy.contains(name)) continue;
    (outcome.refused.contains(name) ? tried_ : in_force_)[name] = seen_.at(name);
    if (!outcome.refused.contains(name)) tried_.erase(name);
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

void AppFolder::reloaded(Files in_force, bool removed, base::TimePoint now) {
  seen_ = in_force;
  if (!removed) in_force.insert(in_force_.begin(), in_force_.end());
  in_force_ = std::move(in_force);
  tried_.clear();
  unreadable_.clear();
  if (removed) {
    missing_.clear();
    held_.clear();
  }
  note_missing(now);
}

std::string AppFolder::trouble() const {
  constexpr std::string_view kRemedy =
      "nothing is removed until they are back, unless by gvctl reload --remove";
  if (!unreadable_.empty()) return fmt::format("cannot be read, and nothing is removed: {}", unreadable_);
  if (held_.empty()) return {};
  if (seen_.empty()) return fmt::format("is empty, but had {}; {}", shown(held_), kRemedy);
  return fmt::format("lost {} at once, more than half of its files; {}", shown(held_), kRemedy);
}

}  // namespace gracevisor::decide
