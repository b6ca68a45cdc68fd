#include "decide/deploy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "decide/explain.h"

namespace gracevisor::decide {
namespace {

constexpr base::Duration kAdoptionDeadline = std::chrono::seconds(1);

}  // namespace

Deploy::Deploy(base::AppId app, Generation& candidate, Generation* old, DeployHost& host,
               const Surroundings& around, std::shared_ptr<Report> report)
    : app_(app),
      candidate_(candidate),
      old_(old),
      host_(host),
      effects_(around.effects),
      knowledge_(around.knowledge),
      report_(std::move(report)),
      before_(knowledge_.counts(app)) {}

void Deploy::begin() {
  const config::App& app = candidate_.spec()->app;
  tell(fact::DeployBegan{candidate_.id(), old_ != nullptr ? std::optional(old_->id()) : std::nullopt,
                         app.instances, candidate_.spec()->directory.string()});
  (void)host_.record();
  effects_.open_window(app_);
  effects_.arm(app_, AppTimer::deploy_timeout, app.deploy.timeout);
  candidate_.start(Urgency::soon);
}

void Deploy::advance() {
  switch (phase_) {
    case Phase::checking: advance_checking(); return;
    case Phase::recording:
      if (const Instance* lost = candidate_.first_failure()) {
        fail(ExitCode::exited_before_healthy, lost, "");
      }
      return;
    case Phase::guarding:
    case Phase::confirming: advance_guard(); return;
    case Phase::finishing: advance_finishing(); return;
    case Phase::aborting:
    case Phase::rolling_back:
      if (candidate_.ended()) end(ending_);
      return;
    case Phase::adopting:
    case Phase::ended: return;
  }
}

void Deploy::advance_checking() {
  tell_places();
  if (const Instance* lost = candidate_.first_failure()) {
    fail(ExitCode::exited_before_healthy, lost, "");
    return;
  }
  if (!candidate_.all_healthy()) return;
  effects_.disarm(app_, AppTimer::deploy_timeout);
  tell_healthy();
  const config::App& app = candidate_.spec()->app;
  guarded_ = old_ != nullptr && app.deploy.guard > base::Millis::zero() && config::is_routed(app.endpoint);
  provisional_ = guarded_ && old_->healthy() > 0;
  phase_ = Phase::recording;
  step_ = provisional_ ? spec::DeployStep::guarding : spec::DeployStep::finishing;
  serial_ = host_.record();
}

void Deploy::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  // A later record says the same of this deploy.
  if (serial < serial_) return;
  if (phase_ == Phase::confirming) on_confirmed(written);
  if (phase_ != Phase::recording) return;
  if (!written) {
    fail(ExitCode::failed, nullptr, "the state record could not be written: " + written.error().what);
    return;
  }
  // Alive and healthy at the very instant of the cutover, or not at all.
  if (const Instance* lost = candidate_.first_failure()) {
    fail(ExitCode::exited_before_healthy, lost, "");
    return;
  }
  old_at_cutover_ = old_counts();
  phase_ = Phase::adopting;
  cutover_at_ = knowledge_.now();
  host_.cut_over(guarded_);
  cutover_epoch_ = effects_.publish();
  effects_.arm(app_, AppTimer::adoption, kAdoptionDeadline);
}

void Deploy::on_adopted(base::Epoch epoch) {
  if (phase_ != Phase::adopting || epoch < cutover_epoch_) return;
  effects_.disarm(app_, AppTimer::adoption);
  enter_guard();
}

void Deploy::enter_guard() {
  tell(fact::CutOver{candidate_.id(), old_ != nullptr ? std::optional(old_->id()) : std::nullopt,
                     old_at_cutover_, cutover_epoch_, config::is_routed(candidate_.spec()->app.endpoint)});
  if (guarded_) {
    guard_for(candidate_.spec()->app.deploy.guard);
  } else {
    phase_ = Phase::finishing;
    advance_finishing();
  }
}

void Deploy::guard_for(base::Duration time) {
  phase_ = Phase::guarding;
  guard_until_ = knowledge_.now() + time;
  effects_.arm(app_, AppTimer::guard, time);
  advance_guard();
}

void Deploy::advance_guard() {
  tell_drained();
  for (const auto& instance : candidate_.instances()) {
    if (instance->unproven()) continue;  // it was healthy, and its probes have still to say otherwise
    bool exited = instance->state() != InstanceState::healthy;
    if (!exited && !instance->failing()) continue;
    if (!can_go_back()) {
      if (!std::exchange(helpless_told_, true)) tell(fact::GuardHelpless{});
      return;
    }
    const Explanation why = explain(*instance, {effects_, knowledge_}, *report_);
    const std::string_view how = exited && instance->last_exit() ? "" : "unhealthy: ";
    go_back(fmt::format("{} {}{}", routing::instance_name(instance->identity()), how, why.cause));
    return;
  }
}

bool Deploy::can_go_back() const {
  return guarded_ && old_->can_come_back();
}

void Deploy::go_back(const std::string& cause) {
  disarm_timers();
  ending_ = ending(ExitCode::rolled_back);
  ending_.back_to = old_->id();
  ending_.cause = cause;
  phase_ = Phase::rolling_back;
  step_ = spec::DeployStep::undoing;
  host_.cut_back();
  effects_.publish();
  serial_ = host_.record();
  tell(fact::CutBack{old_->id()});
}

// The guard's time is over. The record on disk still names the old generation.
void Deploy::leave_guard() {
  tell(fact::GuardPassed{knowledge_.counts(app_).requests - before_.requests});
  if (provisional_) {
    phase_ = Phase::confirming;
    step_ = spec::DeployStep::finishing;
    serial_ = host_.record();
    return;
  }
  phase_ = Phase::finishing;
  old_->release();
  advance_finishing();
}

void Deploy::on_confirmed(const base::Expected<void>& written) {
  if (!written) {
    if (!std::exchange(unconfirmed_told_, true)) tell(fact::Unconfirmed{written.error().what, old_->id()});
    return;
  }
  phase_ = Phase::finishing;
  old_->release();
  advance_finishing();
}

void Deploy::advance_finishing() {
  if (old_ != nullptr) {
    tell_drained();
    if (!old_->ended()) return;
    fact::OldEnded ended{old_->id(), {}};
    for (const auto& instance : old_->instances()) {
      if (instance->last_exit()) ended.exits.emplace_back(instance->identity(), *instance->last_exit());
      if (instance->killed_after()) ended.killed_after = instance->killed_after();
    }
    tell(std::move(ended));
  }
  fact::DeployEnded done = ending(ExitCode::done);
  done.traffic = traffic();
  end(std::move(done));
}

void Deploy::on_timer(AppTimer timer) {
  switch (timer) {
    case AppTimer::deploy_timeout:
      if (phase_ != Phase::checking) return;
      judge_time();
      return;
    case AppTimer::adoption:
      if (phase_ != Phase::adopting) return;
      // What a hanging worker still sends goes to the old generation, which cannot become quiescent before
      // that worker answers: nothing is lost by going on.
      for (std::size_t worker : knowledge_.late_workers()) tell(fact::AdoptionLate{worker});
      enter_guard();
      return;
    case AppTimer::guard:
      if (phase_ == Phase::guarding) leave_guard();
      return;
    case AppTimer::start_timeout:
    case AppTimer::record: return;
  }
}

// Each instance has its time from its own start on: before, it waits for its turn.
void Deploy::judge_time() {
  const base::TimePoint now = knowledge_.now();
  const base::Duration timeout = candidate_.spec()->app.deploy.timeout;
  base::Duration left = timeout;
  for (const auto& instance : candidate_.instances()) {
    if (instance->routable() || instance->queued()) continue;
    left = std::min(left, instance->start_began() + timeout - now);
    if (left > base::Duration::zero()) continue;
    fail(ExitCode::health_timeout, instance.get(), "");
    return;
  }
  if (!candidate_.all_healthy()) effects_.arm(app_, AppTimer::deploy_timeout, left);
}

Consequence Deploy::interrupt(Interruption what, const std::string& why) {
  Consequence follows = consequence(phase_, what, can_go_back());
  switch (follows) {
    case Consequence::refuse:
    case Consequence::nothing: break;
    case Consequence::give_up:
      ending_ = ending(ExitCode::aborted);
      ending_.interrupted = why;
      give_up(what == Interruption::abort);
      break;
    case Consequence::cut_back: go_back(why); break;
    case Consequence::withdraw: withdraw(why); break;
    case Consequence::end_guard:
      disarm_timers();
      phase_ = Phase::finishing;
      step_ = spec::DeployStep::finishing;
      if (provisional_) serial_ = host_.record();
      if (old_ != nullptr) old_->release();
      break;
  }
  return follows;
}

// If the record on disk names the old generation beside this one, the app returns to the old one.
void Deploy::withdraw(const std::string& why) {
  disarm_timers();
  ending_ = ending(ExitCode::aborted);
  ending_.interrupted = why;
  phase_ = Phase::aborting;
  step_ = spec::DeployStep::undoing;  // the app records it with its stop
  if (provisional_) host_.withdraw();
}

void Deploy::disarm_timers() {
  for (AppTimer timer : {AppTimer::deploy_timeout, AppTimer::adoption, AppTimer::guard}) {
    effects_.disarm(app_, timer);
  }
}

void Deploy::fail(ExitCode exit, const Instance* culprit, const std::string& cause) {
  Explanation why{cause};
  if (!cause.empty()) tell(fact::Cause{cause});
  if (culprit != nullptr) why = explain(*culprit, {effects_, knowledge_}, *report_);
  if (old_ != nullptr) {
    tell(fact::Changed{old_->id(), spec::differences(*old_->spec(), *candidate_.spec())});
  }
  if (why.wrote) report_->add(knowledge_.now(), "next", "gvctl logs " + candidate_.name());
  ending_ = ending(exit);
  ending_.cause = std::move(why.cause);
  ending_.executed = why.executed;
  give_up(true);
}

// `ending_` says why. `served`: what serves instead is said.
void Deploy::give_up(bool served) {
  disarm_timers();
  if (served && old_ != nullptr) {
    ending_.serving = fact::Serving{old_->id(), old_->healthy(), old_->wanted()};
  }
  // The record on disk may name the candidate by now; and its number must not be used again.
  step_ = spec::DeployStep::undoing;
  serial_ = host_.record();
  phase_ = Phase::aborting;
  candidate_.stop();
  advance();
}

}  // namespace gracevisor::decide
