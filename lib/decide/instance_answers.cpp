// What an instance answers about itself: its state, whether it is probed or due, and what its probes show.
#include <fmt/format.h>

#include "decide/instance.h"
#include "decide/probe_text.h"

namespace gracevisor::decide {

bool Instance::needs_owner(const routing::ProbeReport& report) const {
  return state_ == InstanceState::starting && report.passes_in_a_row >= spec_->app.health.healthy_after;
}

bool Instance::needs_owner(const spawn::ProcessEvent& event) const {
  const auto* ended = std::get_if<spawn::Ended>(&event);
  return ended != nullptr && state_ == InstanceState::starting &&
         spec_->app.endpoint == config::EndpointKind::port &&
         !clean(ended->status, spec_->app.restart.success_exit_codes);
}

bool Instance::probed() const {
  if (!has_endpoint()) return false;
  switch (state_) {
    case InstanceState::starting:
    case InstanceState::healthy:
    case InstanceState::unhealthy: return true;
    // Still probed while the guard may swap it back.
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained: return parked_;
    case InstanceState::stopped:
    case InstanceState::queued:
    case InstanceState::spawning:
    case InstanceState::stopping:
    case InstanceState::killing:
    case InstanceState::backoff:
    case InstanceState::fatal: return false;
  }
  return false;
}

bool Instance::waits() const {
  bool unsignalled = state_ == InstanceState::draining || state_ == InstanceState::closing ||
                     state_ == InstanceState::drained;
  return unsignalled && !replacing_;
}

bool Instance::ended() const {
  return !alive_ && (state_ == InstanceState::stopped || state_ == InstanceState::fatal);
}

std::optional<base::TimePoint> Instance::due() const {
  if (coming_up()) return knowledge_.now();
  if (state_ == InstanceState::backoff) return restart_at_;
  if (moving_ || unproven()) return knowledge_.now();
  if ((replacing_ || late_) && role_ == Role::live) return knowledge_.now();
  return std::nullopt;
}

std::optional<base::TimePoint> Instance::tried_again() const {
  if (state_ != InstanceState::fatal || restart_at_ == base::TimePoint{}) return std::nullopt;
  return restart_at_;
}

std::string Instance::probe_text() const {
  if (!has_endpoint()) {
    return fmt::format("counts as healthy once it has run for {:.1f} s",
                       std::chrono::duration<double>(spec_->app.deploy.settle).count());
  }
  const std::string result = decide::probe_text(spec_->app.health, probe_);
  return owner_detail_.empty() ? result : result + "; " + owner_detail_;
}

}  // namespace gracevisor::decide
