#include "decide/instance.h"

#include <cassert>
#include <type_traits>
#include <utility>

namespace gracevisor::decide {
namespace {

constexpr base::Duration kClosingGrace = std::chrono::seconds(1);
constexpr std::size_t kMaxDetail = 200;

unsigned seed_of(const Identity& who) {
  // Jitter only has to differ between instances; no clock is needed.
  std::uint64_t mixed = std::uint64_t{who.app.value()} * 7919 + who.generation.value() * 104729 +
                        std::uint64_t{who.slot.value()} * 1299709;
  return static_cast<unsigned>(mixed);
}

}  // namespace

Instance::Instance(Identity first, spec::SpecRef spec, Role role, const Surroundings& around)
    : identity_(first),
      spec_(std::move(spec)),
      role_(role),
      effects_(around.effects),
      knowledge_(around.knowledge),
      policy_(spec_->app.restart, seed_of(first)),
      since_(knowledge_.now()) {}

void Instance::enter(InstanceState state) {
  const bool came_up = coming_up();
  state_ = state;
  since_ = knowledge_.now();
  if (came_up && !coming_up()) {
    effects_.disarm(identity_, InstanceTimer::start_timeout);
    effects_.disarm(identity_, InstanceTimer::start_place);
    effects_.end_start(identity_);
  } else if (coming_up() && !came_up && !queued()) {
    effects_.count_start(identity_);
  }
}

void Instance::start(Urgency urgency) {
  urgency_ = urgency;
  switch (state_) {
    case InstanceState::queued: ask_to_start(); return;
    case InstanceState::stopped:
    case InstanceState::fatal:
    case InstanceState::backoff:
      effects_.disarm(identity_, InstanceTimer::restart);
      restart_at({});
      enter(InstanceState::backoff);
      spawn_when_gone();
      return;
    case InstanceState::spawning:
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::stopping:
    case InstanceState::killing: return;
  }
}

// Two incarnations of a slot at once would do its work twice.
void Instance::spawn_when_gone() {
  overdue_ = alive_;
  if (alive_) {
    effects_.kill_tree(identity_);
  } else {
    ask_to_start();
  }
}

void Instance::ask_to_start() {
  assert(!alive_);
  overdue_ = false;
  if (effects_.ask_start(identity_, urgency_)) {
    spawn();
  } else if (!queued()) {
    enter(InstanceState::queued);
    effects_.publish();
  }
}

bool Instance::on_may_start() {
  if (!queued()) return false;
  spawn();
  return true;
}

void Instance::watch_start(base::Duration left) {
  if (role_ == Role::live) effects_.arm(identity_, InstanceTimer::start_timeout, left);
}

// Its process may hang for ever, and nobody may be there to see it.
void Instance::give_up_start() {
  late_ = std::chrono::ceil<base::Millis>(knowledge_.now() - start_began_);
  tell(fact::StartTimedOut{identity_, *late_, probe_text()});
  begin_stop();
}

void Instance::spawn() {
  assert(!alive_);
  overdue_ = false;
  unkillable_ = false;
  if (!std::exchange(moving_, false)) start_began_ = knowledge_.now();
  late_.reset();
  identity_.incarnation = identity_.incarnation.next();
  alive_ = true;
  failing_ = false;
  unproven_ = false;
  judged_ = false;
  healthy_since_.reset();
  replacing_ = false;
  probe_ = {};
  owner_detail_.clear();
  killed_after_.reset();
  spawned_at_ = knowledge_.now();
  enter(InstanceState::spawning);
  watch_start(start_began_ + spec_->app.deploy.timeout - spawned_at_);
  effects_.arm(identity_, InstanceTimer::start_place, StartLimit::kLongest);
  effects_.spawn(identity_, spec_);
}

void Instance::adjust(spec::SpecRef spec) {
  spec_ = std::move(spec);
  policy_.adjust(spec_->app.restart);
}

void Instance::on(const spawn::ProcessEvent& event, const std::optional<ListenerOwner>& owner) {
  assert(owner || !needs_owner(event));
  std::visit(
      [&](const auto& what) {
        if constexpr (std::is_same_v<decltype(what), const spawn::Ended&>) {
          take(what, owner);
        } else {
          take(what);
        }
      },
      event);
}

void Instance::take(const spawn::Running& /*running*/) {
  if (state_ != InstanceState::spawning) return;
  enter(InstanceState::starting);
  if (!has_endpoint()) {
    effects_.arm(identity_, InstanceTimer::settle, spec_->app.deploy.settle);
    // Nothing tells when it is ready, and others are not to wait until it has settled.
    effects_.end_start(identity_);
  }
  effects_.publish();  // the probe order
}

void Instance::become_healthy() {
  const bool reattached = std::exchange(unproven_, false);
  enter(InstanceState::healthy);
  // It has been so for all that is known, whoever watched.
  if (reattached && healthy_since_) since_ = *healthy_since_;
  failing_ = false;
  ports_tried_ = 0;
  if (!healthy_since_) healthy_since_ = knowledge_.now();
  effects_.publish();
}

void Instance::on(const Probed& probed) {
  const routing::ProbeReport& report = probed.report;
  assert(probed.owner || !needs_owner(report));
  probe_ = report;
  const config::Health& health = spec_->app.health;
  bool passes = report.passes_in_a_row >= health.healthy_after;
  switch (state_) {
    case InstanceState::starting: {
      if (!passes) return;
      const ListenerOwner owner = probed.owner.value_or(ListenerOwner{});
      owner_detail_ = owner.detail.substr(0, kMaxDetail);
      if (owner.ownership == Ownership::foreign) {
        (void)move_to_another_port(owner_detail_);
        return;
      }
      become_healthy();
      return;
    }
    case InstanceState::healthy: failing_ = report.failures_in_a_row >= health.unhealthy_after; return;
    case InstanceState::unhealthy:
      if (unproven_ && report.failures_in_a_row >= health.unhealthy_after) {
        // As if it had served all the time: whether it leaves the routes, or what follows, is not decided
        // here.
        become_healthy();
        failing_ = true;
      } else if (passes || (unproven_ && report.passes_in_a_row > 0)) {
        become_healthy();
      }
      return;
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
      // A new probe plan may have started counting again: only what it knows for sure changes anything.
      if (passes) failing_ = false;
      if (report.failures_in_a_row >= health.unhealthy_after) failing_ = true;
      return;
    case InstanceState::stopped:
    case InstanceState::queued:
    case InstanceState::spawning:
    case InstanceState::stopping:
    case InstanceState::killing:
    case InstanceState::backoff:
    case InstanceState::fatal: return;
  }
}

void Instance::unroute() {
  if (state_ != InstanceState::healthy) return;
  enter(InstanceState::unhealthy);
  effects_.publish();
}

void Instance::replace(std::string_view cause) {
  if (state_ != InstanceState::healthy && state_ != InstanceState::unhealthy) return;
  tell(fact::Replaced{identity_, std::string(cause)});
  replacing_ = true;
  enter(InstanceState::draining);
  effects_.arm(identity_, InstanceTimer::drain_deadline, spec_->app.drain_timeout());
  effects_.publish();
}

void Instance::on_timer(InstanceTimer timer) {
  switch (timer) {
    case InstanceTimer::restart:
      if (state_ == InstanceState::backoff || state_ == InstanceState::fatal) {
        ++restarts_;
        // What failed again, or has not been healthy, is less urgent than what served.
        const unsigned failures = failures_in_a_row();
        urgency_ = failures > 1 || (failures == 1 && !healthy_since_) ? Urgency::again : Urgency::soon;
        if (state_ == InstanceState::fatal) enter(InstanceState::backoff);
        spawn_when_gone();
      }
      return;
    case InstanceTimer::start_timeout:
      if (coming_up() && !queued()) give_up_start();
      return;
    case InstanceTimer::start_place: effects_.end_start(identity_); return;
    case InstanceTimer::settle:
      if (state_ == InstanceState::starting) become_healthy();
      return;
    case InstanceTimer::drain_deadline:
      if (state_ != InstanceState::draining) return;
      enter(InstanceState::closing);
      effects_.close_endpoint(identity_);
      effects_.arm(identity_, InstanceTimer::closing_grace, kClosingGrace);
      effects_.publish();
      return;
    case InstanceTimer::closing_grace:
      if (state_ == InstanceState::closing) end_drain();
      return;
    case InstanceTimer::stop_step:
      if (state_ == InstanceState::stopping) climb();
      return;
  }
}

}  // namespace gracevisor::decide
