#include "decide/start_limit.h"

#include <algorithm>

namespace gracevisor::decide {
namespace {

constexpr Urgency kUrgencies[] = {Urgency::soon, Urgency::boot, Urgency::again};

int weight(Urgency urgency) {
  switch (urgency) {
    case Urgency::soon: return 4;
    case Urgency::boot: return 2;
    case Urgency::again: return 1;
  }
  return 1;
}

}  // namespace

StartLimit::Identity StartLimit::slot_of(Identity who) {
  who.incarnation = base::Incarnation(0);
  return who;
}

bool StartLimit::has_place(Urgency urgency) const {
  if (starting_.size() >= most_) return false;
  if (urgency == Urgency::soon || most_ == 1) return true;
  const std::size_t quarter = std::max<std::size_t>(most_ / 4, 1);
  const std::size_t others = line(Urgency::boot).starting + line(Urgency::again).starting;
  if (others >= most_ - quarter) return false;
  return urgency == Urgency::boot || line(Urgency::again).starting < quarter;
}

bool StartLimit::ask(const Identity& who, Urgency urgency) {
  const Identity slot = slot_of(who);
  if (starting_.contains(slot)) return true;
  const bool nobody_waits = std::ranges::all_of(
      kUrgencies, [this](Urgency one) { return line(one).turns.empty() || !has_place(one); });
  if (!nobody_waits || !has_place(urgency)) {
    wait(who, urgency);
    return false;
  }
  leave_line(slot);
  begin(slot, urgency);
  return true;
}

void StartLimit::wait(const Identity& who, Urgency urgency) {
  const Identity slot = slot_of(who);
  if (starting_.contains(slot)) return;
  const auto before = waiting_.find(slot);
  if (before != waiting_.end() && before->second.urgency == urgency) {
    before->second.who = who;
    return;
  }
  leave_line(slot);
  waiting_.insert_or_assign(slot, Waiting{who, urgency});
  Line& in = line(urgency);
  const auto [app, first] = in.apps.try_emplace(who.app);
  app->second.slots.insert(slot);
  if (first) app->second.turn = in.turns.insert(in.turns.end(), who.app);
}

void StartLimit::count(const Identity& who) {
  const Identity slot = slot_of(who);
  if (starting_.contains(slot)) return;
  leave_line(slot);
  begin(slot, Urgency::soon);
}

void StartLimit::end(const Identity& who) {
  const Identity slot = slot_of(who);
  leave_line(slot);
  const auto it = starting_.find(slot);
  if (it == starting_.end()) return;
  --line(it->second).starting;
  starting_.erase(it);
}

void StartLimit::begin(const Identity& slot, Urgency urgency) {
  starting_.emplace(slot, urgency);
  ++line(urgency).starting;
}

void StartLimit::leave_line(const Identity& slot) {
  const auto it = waiting_.find(slot);
  if (it == waiting_.end()) return;
  Line& in = line(it->second.urgency);
  waiting_.erase(it);
  const auto app = in.apps.find(slot.app);
  app->second.slots.erase(slot);
  if (!app->second.slots.empty()) return;
  in.turns.erase(app->second.turn);
  in.apps.erase(app);
  if (in.turns.empty()) in.credit = 0;
}

// Smooth weighted turns: each line that could go gets its weight, and the one that has most pays for all.
std::optional<Urgency> StartLimit::next_line() {
  std::optional<Urgency> chosen;
  int all = 0;
  for (const Urgency one : kUrgencies) {
    if (line(one).turns.empty() || !has_place(one)) continue;
    all += weight(one);
    line(one).credit += weight(one);
    if (!chosen || line(one).credit > line(*chosen).credit) chosen = one;
  }
  if (chosen) line(*chosen).credit -= all;
  return chosen;
}

std::optional<StartLimit::Identity> StartLimit::next() {
  const std::optional<Urgency> urgency = next_line();
  if (!urgency) return std::nullopt;
  Line& in = line(*urgency);
  const Identity slot = *in.apps.at(in.turns.front()).slots.begin();
  const Identity who = waiting_.at(slot).who;
  // At boot an app is done before the next one begins.
  if (*urgency != Urgency::boot) in.turns.splice(in.turns.end(), in.turns, in.turns.begin());
  leave_line(slot);
  begin(slot, *urgency);
  return who;
}

}  // namespace gracevisor::decide
