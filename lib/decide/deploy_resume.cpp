// A deploy across a restart of the daemon: what the record says of it, and how the next daemon goes on with
// it.
#include <algorithm>

#include "decide/deploy.h"
#include "decide/fact_receipt.h"

namespace gracevisor::decide {
namespace {

using spec::DeployStep;

constexpr base::Duration kLongestInterval = std::chrono::hours(1);
constexpr unsigned kMostProbes = 1000;

std::optional<base::GenerationId> id_of(const Generation* generation) {
  return generation != nullptr ? std::optional(generation->id()) : std::nullopt;
}

}  // namespace

spec::DeployState Deploy::state() const {
  const base::TimePoint now = knowledge_.now();
  const base::BootTime at = knowledge_.boot_time();
  spec::DeployState state;
  state.generation = candidate_.id();
  state.old = id_of(old_).value_or(base::GenerationId());
  state.step = step_;
  state.verb = report_->command().verb;
  state.uid = report_->command().uid;
  state.began = at - (now - report_->began());
  if (step_ == DeployStep::guarding) {
    state.guard_ends = at + (guard_until_ ? *guard_until_ - now : candidate_.spec()->app.deploy.guard);
  }
  if (step_ == DeployStep::undoing) {
    const auto line = receipt_line({now, candidate_.spec()->app.name, ending_});
    state.ending = spec::DeployEnding{ending_.exit, line ? line->text : ""};
  }
  return state;
}

void Deploy::resume(const spec::DeployState& state) {
  const config::App& app = candidate_.spec()->app;
  fact::DeployResumed resumed{candidate_.id(), id_of(old_), state.step, {}};
  step_ = state.step;
  cutover_at_ = knowledge_.now();
  // Nothing was in flight when this daemon began.
  drained_told_ = true;
  switch (state.step) {
    case DeployStep::guarding: {
      guarded_ = true;
      provisional_ = true;
      // At least for as long as the probes take to find a generation that fails. A record may say anything.
      const base::Duration interval = std::min<base::Duration>(app.deploy.guard_interval, kLongestInterval);
      const base::Duration least = std::min(app.health.unhealthy_after, kMostProbes) * interval;
      const base::Duration rest =
          std::min<base::Duration>(state.guard_ends - knowledge_.boot_time(), app.deploy.guard);
      resumed.guard = std::max(rest, least);
      tell(resumed);
      effects_.open_window(app_);
      guard_for(resumed.guard);
      return;
    }
    case DeployStep::finishing:
      phase_ = Phase::finishing;
      tell(resumed);
      effects_.open_window(app_);
      return;
    case DeployStep::spawning:
    case DeployStep::undoing:
      const spec::DeployEnding how = state.ending.value_or(spec::DeployEnding{ExitCode::aborted, {}});
      ending_ = ending(how.exit);
      ending_.told = how.text;
      if (how.exit == ExitCode::rolled_back) ending_.back_to = id_of(old_);
      phase_ = how.exit == ExitCode::rolled_back ? Phase::rolling_back : Phase::aborting;
      tell(resumed);
      return;
  }
}

}  // namespace gracevisor::decide
