// How an instance leaves: out of the routes, drained, then asked to end step by step and killed; and how it
// comes back while nobody has asked.
#include "decide/instance.h"

namespace gracevisor::decide {

void Instance::leave(base::Duration deadline, bool parked) {
  role_ = Role::leaving;
  moving_ = false;
  late_.reset();
  parked_ = parked && !replacing_;  // an instance being replaced is nothing to come back to
  switch (state_) {
    case InstanceState::healthy:
    case InstanceState::unhealthy:
      if (!has_endpoint()) {
        enter(InstanceState::drained);
        if (!parked_) begin_stop();
        return;
      }
      enter(InstanceState::draining);
      effects_.arm(identity_, InstanceTimer::drain_deadline, deadline);
      effects_.publish();
      return;
    case InstanceState::spawning:
    case InstanceState::starting:
      // Never served anything: nothing to drain.
      begin_stop();
      return;
    case InstanceState::queued:
    case InstanceState::backoff:
    case InstanceState::fatal:
      effects_.disarm(identity_, InstanceTimer::restart);
      enter(InstanceState::stopped);
      return;
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::stopped:
    case InstanceState::stopping:
    case InstanceState::killing: return;
  }
}

void Instance::release() {
  parked_ = false;
  if (state_ == InstanceState::drained) begin_stop();
}

void Instance::reinstate() {
  role_ = Role::live;
  if (!waits()) return;
  disarm_drain();
  parked_ = false;
  bool failing = failing_;
  become_healthy();
  failing_ = failing;
}

void Instance::come_back() {
  reinstate();
  // One that was signalled ends first, as one that is replaced does.
  replacing_ = replacing_ || state_ == InstanceState::stopping || state_ == InstanceState::killing;
  start();
}

void Instance::disarm_drain() {
  effects_.disarm(identity_, InstanceTimer::drain_deadline);
  effects_.disarm(identity_, InstanceTimer::closing_grace);
}

void Instance::on_quiescent() {
  if (state_ == InstanceState::draining || state_ == InstanceState::closing) end_drain();
}

void Instance::end_drain() {
  disarm_drain();
  enter(InstanceState::drained);
  if (!parked_) begin_stop();
}

void Instance::stop() {
  replacing_ = false;
  late_.reset();
  moving_ = false;
  switch (state_) {
    case InstanceState::spawning:
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained: begin_stop(); return;
    case InstanceState::queued:
    case InstanceState::backoff:
    case InstanceState::fatal:
      effects_.disarm(identity_, InstanceTimer::restart);
      enter(InstanceState::stopped);
      return;
    case InstanceState::stopped:
    case InstanceState::stopping:
    case InstanceState::killing: return;
  }
}

void Instance::stop_now() {
  stop();
  if (state_ == InstanceState::stopping) {
    effects_.disarm(identity_, InstanceTimer::stop_step);
    kill_tree();
  } else if (alive_ && state_ != InstanceState::killing) {
    effects_.kill_tree(identity_);
  }
}

bool Instance::kill(std::string_view why) {
  if (!alive_) return false;
  if (role_ == Role::candidate) {
    effects_.kill_tree(identity_);
    return true;
  }
  if (role_ == Role::leaving) {
    stop_now();
    return true;
  }
  switch (state_) {
    case InstanceState::spawning:
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::stopping:
      tell(fact::Replaced{identity_, std::string(why)});
      replacing_ = true;
      moving_ = false;
      disarm_drain();
      effects_.disarm(identity_, InstanceTimer::settle);
      effects_.disarm(identity_, InstanceTimer::stop_step);
      kill_tree();
      return true;
    case InstanceState::backoff:
    case InstanceState::stopped:
    case InstanceState::queued:
    case InstanceState::fatal:
      // What is left of the incarnation before.
      effects_.kill_tree(identity_);
      return true;
    case InstanceState::killing: return true;
  }
  return true;
}

void Instance::begin_stop() {
  disarm_drain();
  effects_.disarm(identity_, InstanceTimer::settle);
  rung_ = 0;
  enter(InstanceState::stopping);
  effects_.publish();
  climb();
}

void Instance::climb() {
  const config::Stop& stop = spec_->app.stop;
  if (rung_ < stop.ladder.size()) {
    const config::StopStep& step = stop.ladder[rung_++];
    effects_.signal(identity_, step.signal, stop.scope);
    effects_.arm(identity_, InstanceTimer::stop_step, step.wait);
    return;
  }
  tell(fact::StopTimedOut{identity_});
  killed_after_ = knowledge_.now() - since_;
  kill_tree();
}

// What it was serving can no longer be completed, and a client that reads nothing would notice that late.
void Instance::kill_tree() {
  enter(InstanceState::killing);
  effects_.close_endpoint(identity_);
  effects_.publish();
  effects_.kill_tree(identity_);
}

}  // namespace gracevisor::decide
