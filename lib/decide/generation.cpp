#include "decide/generation.h"

#include <algorithm>
#include <ranges>

namespace gracevisor::decide {

Generation::Generation(base::AppId app, base::GenerationId id, spec::SpecRef spec, Role role,
                       const Surroundings& around)
    : app_(app), id_(id), spec_(std::move(spec)), role_(role), around_(around) {
  fill_slots(wanted());
}

void Generation::fill_slots(std::size_t until) {
  for (auto number = static_cast<unsigned>(instances_.size()) + 1; number <= until; ++number) {
    const base::Slot slot(number);
    auto former = forgotten_.extract(slot);
    const base::Incarnation last = former.empty() ? base::Incarnation(0) : former.mapped();
    instances_.push_back(std::make_unique<Instance>(Identity{app_, id_, slot, last}, spec_, role_, around_));
  }
}

void Generation::reattach(const std::vector<FoundChild>& children, const spec::SlotsRecord* slots, Lot lot,
                          bool were_healthy) {
  std::size_t highest = 0;
  for (const FoundChild& child : children) {
    highest = std::max(highest, std::size_t{child.who.slot.value()});
  }
  fill_slots(highest);
  for (const auto& instance : instances_) {
    const base::Slot number = instance->identity().slot;
    const auto child =
        std::ranges::find_if(children, [number](const auto& one) { return one.who.slot == number; });
    const spec::SlotRecord* slot = slots == nullptr ? nullptr : slots->find(id_, number);
    // No slot gets a second process: one with a child is never spawned into, whatever its record says; and if
    // the child were missing in the list, the keeper would refuse the spawn, as it has a row of the same app,
    // generation and slot.
    if (child != children.end()) {
      instance->reattach(*child, slot, lot, were_healthy);
    } else if (lot == Lot::serve && number.value() <= wanted()) {
      instance->resume(slot);
    }
  }
}

Generation::Instances Generation::in_wanted_slots() const {
  return Instances(instances_).first(std::min(instances_.size(), wanted()));
}

Generation::Instances Generation::surplus() const {
  return Instances(instances_).subspan(in_wanted_slots().size());
}

void Generation::start(Urgency urgency) {
  for (const auto& instance : in_wanted_slots()) {
    instance->forget_failures();
    instance->start(urgency);
  }
}

void Generation::set_role(Role role) {
  role_ = role;
  for (const auto& instance : in_wanted_slots()) instance->set_role(role);
}

void Generation::adjust(spec::SpecRef spec) {
  spec_ = std::move(spec);
  for (auto& instance : instances_) instance->adjust(spec_);
  if (role_ == Role::live) {
    for (const auto& instance : in_wanted_slots()) {
      if (instance->role() == Role::leaving) instance->come_back();
    }
  }
  shed_surplus();
  const std::size_t before = instances_.size();
  fill_slots(wanted());
  if (role_ != Role::live) return;
  for (std::size_t i = before; i < instances_.size(); ++i) instances_[i]->start();
}

void Generation::shed_surplus() {
  const bool served = std::ranges::any_of(in_wanted_slots(), [](const auto& i) { return i->routable(); });
  std::size_t spare = healthy();
  for (const auto& instance : surplus() | std::views::reverse) {
    if (role_ != Role::live || instance->role() == Role::leaving) continue;
    if (instance->unproven() && !served) continue;  // it may turn out to be the last that serves
    if (instance->routable()) {
      if (!served && spare == 1) continue;
      --spare;
    }
    instance->leave(spec_->app.drain_timeout(), false);
  }
  while (!surplus().empty() && instances_.back()->ended()) {
    const Identity& last = instances_.back()->identity();
    forgotten_[last.slot] = last.incarnation;
    instances_.pop_back();
  }
}

void Generation::leave(bool parked) {
  role_ = Role::leaving;
  for (const auto& instance : in_wanted_slots()) instance->leave(spec_->app.drain_timeout(), parked);
  for (const auto& instance : surplus()) instance->leave(spec_->app.drain_timeout(), false);
}

void Generation::release() {
  for (auto& instance : instances_) instance->release();
}

void Generation::reinstate() {
  role_ = Role::live;
  for (const auto& instance : surplus()) instance->release();
  for (const auto& instance : in_wanted_slots()) {
    // Instances that ended while it was parked come back as after a crash; those that are just ending, once
    // they have.
    instance->come_back();
  }
  unroute_failing();
}

void Generation::stop() {
  role_ = Role::leaving;
  for (auto& instance : instances_) {
    instance->set_role(Role::leaving);
    instance->stop();
  }
}

void Generation::stop_now() {
  role_ = Role::leaving;
  for (auto& instance : instances_) {
    instance->set_role(Role::leaving);
    instance->stop_now();
  }
}

Instance* Generation::find(const Identity& who) {
  if (who.generation != id_) return nullptr;
  for (auto& instance : instances_) {
    if (instance->identity() == who) return instance.get();
  }
  return nullptr;
}

// The last routable one stays: it may still serve something. It goes only to be replaced, when there is no
// other instance to wait for: otherwise an instance that hangs would hang for ever.
void Generation::unroute_failing() {
  for (auto& instance : instances_) {
    if (!instance->routable() || !instance->failing()) continue;
    bool last = healthy() == 1;
    if (spec_->app.health.action == config::Health::Action::restart) {
      if (!last || !due()) instance->replace(instance->probe_text());
    } else if (!last) {
      instance->unroute();
    }
  }
}

std::size_t Generation::healthy() const {
  return static_cast<std::size_t>(
      std::count_if(instances_.begin(), instances_.end(), [](const auto& i) { return i->routable(); }));
}

std::size_t Generation::queued() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(instances_, [](const auto& i) { return i->queued(); }));
}

bool Generation::all_healthy() const {
  return std::ranges::all_of(in_wanted_slots(), [](const auto& i) { return i->routable(); });
}

bool Generation::can_come_back() const {
  return std::ranges::any_of(in_wanted_slots(), [](const auto& i) { return i->waits() && !i->failing(); });
}

bool Generation::drained() const {
  return std::none_of(instances_.begin(), instances_.end(), [](const auto& i) {
    return i->routable() || i->state() == InstanceState::unhealthy || i->state() == InstanceState::draining ||
           i->state() == InstanceState::closing;
  });
}

bool Generation::ended() const {
  return std::all_of(instances_.begin(), instances_.end(), [](const auto& i) { return i->ended(); });
}

const Instance* Generation::first_failure(const std::set<base::Slot>& beside) const {
  for (const auto& instance : in_wanted_slots()) {
    if (instance->failed() && !beside.contains(instance->identity().slot)) return instance.get();
  }
  return nullptr;
}

std::set<base::Slot> Generation::unwell() const {
  std::set<base::Slot> slots;
  for (const auto& instance : in_wanted_slots()) {
    if (!instance->routable()) slots.insert(instance->identity().slot);
  }
  return slots;
}

std::optional<base::TimePoint> Generation::due() const {
  std::optional<base::TimePoint> earliest;
  for (const auto& instance : instances_) {
    std::optional<base::TimePoint> due = instance->due();
    if (due && (!earliest || *due < *earliest)) earliest = due;
  }
  return earliest;
}

std::string Generation::name() const {
  return spec_->app.name + "@" + std::to_string(id_.value());
}

}  // namespace gracevisor::decide
