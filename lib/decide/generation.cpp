#include "decide/generation.h"

#include <algorithm>

namespace gracevisor::decide {

Generation::Generation(base::AppId app, base::GenerationId id, spec::SpecRef spec, Role role,
                       Effects& effects)
    : id_(id), spec_(std::move(spec)), role_(role) {
  for (unsigned slot = 1; slot <= spec_->app.instances; ++slot) {
    Identity first{app, id_, base::Slot(slot), base::Incarnation(0)};
    instances_.push_back(std::make_unique<Instance>(first, spec_, role, effects));
  }
}

void Generation::start() {
  for (auto& instance : instances_) {
    instance->forget_failures();
    instance->start();
  }
}

void Generation::set_role(Role role) {
  role_ = role;
  for (auto& instance : instances_) instance->set_role(role);
}

void Generation::leave(bool parked) {
  role_ = Role::leaving;
  for (auto& instance : instances_) instance->leave(spec_->app.drain_timeout(), parked);
}

void Generation::release() {
  for (auto& instance : instances_) instance->release();
}

void Generation::reinstate() {
  role_ = Role::live;
  for (auto& instance : instances_) {
    instance->reinstate();
    // Instances that ended while it was parked come back as after a crash.
    instance->start();
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

bool Generation::drained() const {
  return std::none_of(instances_.begin(), instances_.end(), [](const auto& i) {
    return i->routable() || i->state() == InstanceState::unhealthy || i->state() == InstanceState::draining ||
           i->state() == InstanceState::closing;
  });
}

bool Generation::ended() const {
  return std::all_of(instances_.begin(), instances_.end(), [](const auto& i) { return i->ended(); });
}

const Instance* Generation::first_failure() const {
  for (const auto& instance : instances_) {
    bool down = instance->state() == InstanceState::stopped || instance->state() == InstanceState::backoff ||
                instance->state() == InstanceState::fatal;
    if (down && instance->last_exit()) return instance.get();
  }
  return nullptr;
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
