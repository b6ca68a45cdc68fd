// How an incarnation ends, and what follows: another one at once, after a back-off, or never.
#include <fmt/format.h>

#include <utility>

#include "decide/explain.h"
#include "decide/instance.h"

namespace gracevisor::decide {
namespace {

constexpr std::size_t kMaxCause = 200;
constexpr unsigned kOtherPorts = 5;

}  // namespace

void Instance::take(const spawn::Ended& ended, const std::optional<ListenerOwner>& owner) {
  const spawn::ExitStatus& status = ended.status;
  if (std::exchange(judged_, false)) return;
  const bool unasked = !told_to_stop();
  last_words_ = unasked ? last_words_of(*this, knowledge_) : "";
  tell(fact::Exited{identity_, status, unasked, last_words_});
  last_exit_ = status;
  if (late_) last_exit_ = spawn::StartTimedOut{*late_};
  effects_.disarm(identity_, InstanceTimer::settle);
  disarm_drain();
  effects_.publish();  // without this endpoint
  switch (state_) {
    case InstanceState::starting:
      if (owner && owner->ownership == Ownership::foreign && move_to_another_port(owner->detail)) return;
      [[fallthrough]];
    case InstanceState::spawning:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
      if (role_ == Role::live) {
        restart_or_rest(status);
        return;
      }
      enter(InstanceState::stopped);
      return;
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained: enter(InstanceState::killing); return;
    // The ladder goes on for what is left of the tree.
    case InstanceState::stopping:
    case InstanceState::killing: return;
    case InstanceState::stopped:
    case InstanceState::queued:
    case InstanceState::backoff:
    case InstanceState::fatal: enter(InstanceState::stopped); return;
  }
}

void Instance::tell(Fact::What what) const {
  effects_.tell({knowledge_.now(), spec_->app.name, std::move(what)});
}

void Instance::end_stop() {
  const auto late = std::exchange(late_, std::nullopt);
  const bool replacing = std::exchange(replacing_, false);
  if (late && role_ == Role::live) {
    restart_or_rest(spawn::StartTimedOut{*late});
  } else if (replacing && role_ == Role::live) {
    restart_after(spec_->app.restart.backoff);
  } else {
    enter(InstanceState::stopped);
  }
}

void Instance::restart_after(base::Duration delay) {
  restart_at(delay);
  enter(InstanceState::backoff);
  effects_.arm(identity_, InstanceTimer::restart, delay);
}

void Instance::give_up(base::Duration retry) {
  enter(InstanceState::fatal);
  restart_at_ = {};
  restart_at_boot_ = {};
  if (retry == base::Duration::zero()) return;
  restart_at(retry);
  effects_.arm(identity_, InstanceTimer::restart, retry);
}

void Instance::restart_at(base::Duration from_now) {
  restart_at_ = knowledge_.now() + from_now;
  restart_at_boot_ = knowledge_.boot_time() + from_now;
}

void Instance::restart_or_rest(const spawn::ExitStatus& status) {
  std::optional<base::Duration> healthy_for;
  if (healthy_since_) healthy_for = knowledge_.now() - *healthy_since_;
  const bool looped = policy_.crash_looping();
  RestartPolicy::Verdict verdict = policy_.on_exit(status, healthy_for);
  switch (verdict.kind) {
    case RestartPolicy::Verdict::Kind::restart:
      if (policy_.crash_looping() && !looped) {
        tell(fact::CrashLooping{identity_, policy_.failures_in_a_row(), status,
                                last_words_of(*this, knowledge_)});
      }
      restart_after(verdict.delay);
      return;
    case RestartPolicy::Verdict::Kind::stay_down: enter(InstanceState::stopped); return;
    case RestartPolicy::Verdict::Kind::fatal:
      give_up(verdict.delay);
      tell(fact::GaveUp{identity_, policy_.failures_in_a_row(), status, last_words_of(*this, knowledge_),
                        verdict.delay});
      return;
  }
}

// Another process holds its port: there is always a gap between the port's test and the app's bind.
bool Instance::move_to_another_port(const std::string& cause) {
  if (spec_->app.endpoint != config::EndpointKind::port || ports_tried_ >= kOtherPorts) return false;
  ++ports_tried_;
  tell(fact::PortTaken{identity_, cause.substr(0, kMaxCause)});
  moving_ = true;
  enter(InstanceState::killing);
  effects_.publish();
  effects_.kill_tree(identity_);
  return true;
}

void Instance::end_tree() {
  if (!std::exchange(alive_, false)) return;
  switch (state_) {
    case InstanceState::stopping:
    case InstanceState::killing:
      effects_.disarm(identity_, InstanceTimer::stop_step);
      if (moving_) {
        ask_to_start();
      } else {
        end_stop();
      }
      return;
    case InstanceState::backoff:
      if (overdue_) ask_to_start();
      return;
    case InstanceState::stopped:
    case InstanceState::queued:
    case InstanceState::spawning:
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::fatal: return;
  }
}

// A back-off that an operator's kill or a replacement leads to follows no failure.
bool Instance::failed() const {
  switch (state_) {
    case InstanceState::stopped:
    case InstanceState::fatal: return last_exit_.has_value();
    case InstanceState::backoff: {
      if (overdue_ || !last_exit_) return false;
      return policy_.failures_in_a_row() > 0 || std::holds_alternative<spawn::SpawnFailed>(*last_exit_);
    }
    case InstanceState::queued:
    case InstanceState::spawning:
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::stopping:
    case InstanceState::killing: return false;
  }
  return false;
}

base::Duration Instance::lived(base::TimePoint now) const {
  if (spawned_at_ == base::TimePoint{}) return {};
  const bool over = queued() || state_ == InstanceState::stopped || state_ == InstanceState::fatal ||
                    state_ == InstanceState::backoff;
  return (over ? since_ : now) - spawned_at_;
}

void Instance::take(const spawn::Gone& /*gone*/) {
  end_tree();
}

void Instance::take(const spawn::Left& /*left*/) {
  end_tree();
}

void Instance::take(const spawn::Unkillable& /*unkillable*/) {
  tell(fact::Unkillable{identity_, text(knowledge_.place(identity_))});
  unkillable_ = true;
  end_tree();
}

}  // namespace gracevisor::decide
