// How an instance comes back under a new daemon, and what it leaves for one.
#include <algorithm>

#include "decide/instance.h"

namespace gracevisor::decide {
namespace {

using spec::SlotState;

constexpr base::Millis kStartAfterTakeover(5000);

// What is recorded tells of this very process.
bool is_of(const spec::SlotRecord* slot, const FoundChild& found) {
  return slot != nullptr && slot->incarnation == found.who.incarnation;
}

}  // namespace

void Instance::reattach(const FoundChild& found, const spec::SlotRecord* slot, Lot lot, bool was_healthy) {
  identity_.incarnation = found.who.incarnation;
  alive_ = true;
  const base::Duration age = knowledge_.boot_time() - std::max(found.started, base::BootTime());
  spawned_at_ = knowledge_.now() - std::max(age, base::Duration::zero());
  start_began_ = spawned_at_;
  if (slot != nullptr) {
    policy_.resume(slot->failures);
    restarts_ = slot->restarts;
    last_exit_ = slot->last_exit;
  }
  SlotState state = was_healthy ? SlotState::healthy : SlotState::starting;
  if (is_of(slot, found)) state = slot->state;
  const bool served = state == SlotState::healthy || state == SlotState::unhealthy;
  if (served) healthy_since_ = spawned_at_;
  switch (lot) {
    case Lot::serve:
      if (!is_of(slot, found) || !rest_of_judged(*slot)) serve_on(found, state);
      break;
    case Lot::wait:
      role_ = Role::leaving;
      if (!served) {
        // As in a leave: it never served, or is nothing to come back to.
        replacing_ = state == SlotState::replacing;
        begin_stop();
        return;
      }
      parked_ = true;
      failing_ = state == SlotState::unhealthy;
      enter(InstanceState::drained);
      break;
    case Lot::finish:
      role_ = Role::leaving;
      begin_stop();
      return;
  }
  if (judged_ || told_to_stop()) return;
  since_ = spawned_at_;
}

void Instance::serve_on(const FoundChild& found, SlotState state) {
  switch (state) {
    case SlotState::replacing:
      // How far its end had come is not recorded: asking it once more is safe.
      replacing_ = true;
      begin_stop();
      return;
    case SlotState::healthy:
      if (has_endpoint()) {
        unproven_ = true;
        enter(InstanceState::unhealthy);
        return;
      }
      settle_on();
      return;
    case SlotState::unhealthy:
      if (has_endpoint()) {
        enter(InstanceState::unhealthy);
      } else {
        settle_on();
      }
      return;
    case SlotState::starting:
    case SlotState::backoff:
    case SlotState::resting:
    case SlotState::fatal:
      enter(found.running ? InstanceState::starting : InstanceState::spawning);
      // Nobody has probed it meanwhile.
      watch_start(std::max<base::Duration>(spec_->app.deploy.timeout - (knowledge_.now() - spawned_at_),
                                           std::min(spec_->app.deploy.timeout, kStartAfterTakeover)));
      if (found.running && !has_endpoint()) settle_on();
      return;
  }
}

// Without an endpoint, an instance counts as healthy once it has run for a while, whichever daemon watched.
void Instance::settle_on() {
  const base::Duration rest = spec_->app.deploy.settle - (knowledge_.now() - spawned_at_);
  enter(InstanceState::starting);
  if (rest > base::Duration::zero()) {
    effects_.arm(identity_, InstanceTimer::settle, rest);
    return;
  }
  healthy_since_ = spawned_at_;
  become_healthy();
}

// Its main process has ended, and the former daemon knew of it: what followed from that goes on. Until what
// is left of it is gone, nothing is started in its place.
bool Instance::rest_of_judged(const spec::SlotRecord& slot) {
  switch (slot.state) {
    case SlotState::backoff: {
      judged_ = true;
      const base::Duration rest = slot.restart_at - knowledge_.boot_time();
      restart_after(std::clamp<base::Duration>(rest, base::Duration::zero(), spec_->app.restart.backoff_max));
      return true;
    }
    case SlotState::resting:
      judged_ = true;
      enter(InstanceState::stopped);
      return true;
    case SlotState::fatal:
      judged_ = true;
      give_up_again(slot);
      return true;
    case SlotState::starting:
    case SlotState::healthy:
    case SlotState::unhealthy:
    case SlotState::replacing: return false;
  }
  return false;
}

// With the time that is left, if it is to be tried again.
void Instance::give_up_again(const spec::SlotRecord& slot) {
  const base::Duration retry = spec_->app.restart.retry_fatal;
  if (retry == base::Duration::zero()) return give_up(retry);
  const base::Duration rest = slot.restart_at - knowledge_.boot_time();
  give_up(
      std::clamp<base::Duration>(rest, base::Millis(1), std::max<base::Duration>(retry, base::Millis(1))));
}

// It is not started here: in a guard its end may decide where the deploy goes.
void Instance::resume(const spec::SlotRecord* slot) {
  spawned_at_ = knowledge_.now();
  if (slot != nullptr) {
    identity_.incarnation = slot->incarnation;
    policy_.resume(slot->failures);
    restarts_ = slot->restarts;
    last_exit_ = slot->last_exit;
    if (rest_of_judged(*slot)) {
      judged_ = false;
      return;
    }
  }
  // What followed from its end was not recorded any more.
  restart_after({});
}

void Instance::trust() {
  if (unproven()) become_healthy();
}

std::optional<spec::SlotRecord> Instance::record() const {
  spec::SlotRecord slot{identity_.generation,
                        identity_.slot,
                        identity_.incarnation,
                        SlotState::starting,
                        failures_in_a_row(),
                        restarts_,
                        {},
                        last_exit_};
  const auto in = [&slot](SlotState state) {
    slot.state = state;
    return slot;
  };
  const bool on_its_way_out = role_ == Role::leaving && !parked_ && !replacing_;
  if (on_its_way_out) return std::nullopt;
  switch (state_) {
    case InstanceState::spawning:
    case InstanceState::starting: return in(SlotState::starting);
    case InstanceState::healthy: return in(SlotState::healthy);
    case InstanceState::unhealthy: return in(unproven_ ? SlotState::healthy : SlotState::unhealthy);
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
      if (replacing_) return in(SlotState::replacing);
      return in(failing_ ? SlotState::unhealthy : SlotState::healthy);
    case InstanceState::stopping:
    case InstanceState::killing: return in(SlotState::replacing);
    case InstanceState::queued:
    case InstanceState::backoff: slot.restart_at = restart_at_boot_; return in(SlotState::backoff);
    case InstanceState::fatal: slot.restart_at = restart_at_boot_; return in(SlotState::fatal);
    case InstanceState::stopped:
      // One that was never started has no exit.
      return last_exit_ ? std::optional(in(SlotState::resting)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace gracevisor::decide
