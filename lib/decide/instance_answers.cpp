// What an instance answers about itself: its state, whether it is probed or due, and what its probes show.
#include <fmt/format.h>

#include "decide/instance.h"

namespace gracevisor::decide {
namespace {

std::string_view text_of(routing::ProbeOutcome outcome) {
  switch (outcome) {
    case routing::ProbeOutcome::passed: return "passed";
    case routing::ProbeOutcome::wrong_status: return "status";
    case routing::ProbeOutcome::refused: return "refused";
    case routing::ProbeOutcome::timed_out: return "timed out";
    case routing::ProbeOutcome::broken: return "connection ended before an answer";
    case routing::ProbeOutcome::malformed: return "no HTTP answer";
    case routing::ProbeOutcome::unable: return "not begun";
  }
  return "?";
}

}  // namespace

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
    case InstanceState::spawning:
    case InstanceState::stopping:
    case InstanceState::killing:
    case InstanceState::backoff:
    case InstanceState::fatal: return false;
  }
  return false;
}

bool Instance::ended() const {
  return !alive_ && (state_ == InstanceState::stopped || state_ == InstanceState::fatal);
}

std::optional<base::TimePoint> Instance::due() const {
  if (state_ == InstanceState::spawning || state_ == InstanceState::starting) return effects_.now();
  if (state_ == InstanceState::backoff) return restart_at_;
  if (moving_) return effects_.now();
  if (replacing_ && role_ == Role::live) return effects_.now();
  return std::nullopt;
}

std::string Instance::probe_text() const {
  const config::Health& health = spec_->app.health;
  std::string what = health.kind == config::Health::Kind::tcp ? "connect" : "GET " + health.path;
  if (probe_.tries == 0) return what + " -> no probe ended yet";
  std::string outcome =
      probe_.status != 0 ? std::to_string(probe_.status) : std::string(text_of(probe_.last));
  if (probe_.last == routing::ProbeOutcome::unable) {
    outcome += fmt::format(" (gracevisord: {})", base::errno_text(probe_.code));
  }
  std::string result =
      fmt::format("{} -> {}, {} {}", what, outcome, probe_.tries, probe_.tries == 1 ? "try" : "tries");
  if (!owner_detail_.empty()) result += "; " + owner_detail_;
  return result;
}

}  // namespace gracevisor::decide
