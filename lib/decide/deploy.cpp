#include "decide/deploy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gracevisor::decide {
namespace {

constexpr base::Duration kAdoptionDeadline = std::chrono::seconds(1);

}  // namespace

Deploy::Deploy(base::AppId app, Generation& candidate, Generation* old, DeployHost& host, Effects& effects,
               std::shared_ptr<Report> report)
    : app_(app),
      candidate_(candidate),
      old_(old),
      host_(host),
      effects_(effects),
      report_(std::move(report)),
      before_(effects.counts(app)) {}

void Deploy::begin() {
  const config::App& app = candidate_.spec()->app;
  std::string was = old_ != nullptr ? fmt::format(" (was @{})", old_->id().value()) : "";
  say("deploy", fmt::format("{}{}  {} instance{}  {}", candidate_.name(), was, app.instances,
                            app.instances == 1 ? "" : "s", candidate_.spec()->directory.string()));
  effects_.say(base::LogLevel::info, fmt::format("deploy-begin app={} generation={} instances={}", app.name,
                                                 candidate_.id().value(), app.instances));
  effects_.open_window(app_);
  effects_.arm(app_, AppTimer::deploy_timeout, app.deploy.timeout);
  candidate_.start();
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
      if (candidate_.ended()) finish("failed", ending_, exit_);
      return;
    case Phase::adopting:
    case Phase::ended: return;
  }
}

void Deploy::advance_checking() {
  say_started();
  if (const Instance* lost = candidate_.first_failure()) {
    fail(ExitCode::exited_before_healthy, lost, "");
    return;
  }
  if (!candidate_.all_healthy()) return;
  effects_.disarm(app_, AppTimer::deploy_timeout);
  say_healthy();
  const config::App& app = candidate_.spec()->app;
  guarded_ = old_ != nullptr && app.deploy.guard > base::Millis::zero() && config::is_routed(app.endpoint);
  provisional_ = guarded_ && old_->healthy() > 0;
  phase_ = Phase::recording;
  serial_ = host_.record(provisional_ ? DeployHost::Record::provisional : DeployHost::Record::candidate);
}

void Deploy::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  if (serial != serial_) return;
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
  cutover_at_ = effects_.now();
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
  say_cutover();
  if (guarded_) {
    phase_ = Phase::guarding;
    effects_.arm(app_, AppTimer::guard, candidate_.spec()->app.deploy.guard);
    advance_guard();
  } else {
    phase_ = Phase::finishing;
    advance_finishing();
  }
}

void Deploy::advance_guard() {
  say_drained();
  for (const auto& instance : candidate_.instances()) {
    bool exited = instance->state() != InstanceState::healthy;
    if (!exited && !instance->failing()) continue;
    if (!can_go_back()) {
      if (!std::exchange(alert_said_, true)) {
        effects_.say(base::LogLevel::error,
                     fmt::format("guard-alert app={} cause=\"no old instance to go back to\"",
                                 candidate_.spec()->app.name));
      }
      return;
    }
    std::string cause = exited && instance->last_exit() ? text(*instance->last_exit())
                                                        : "unhealthy: " + instance->probe_text();
    explain(*instance);
    go_back(routing::instance_name(instance->identity()) + " " + cause);
    return;
  }
}

bool Deploy::can_go_back() const {
  return guarded_ && std::any_of(old_->instances().begin(), old_->instances().end(),
                                 [](const auto& i) { return i->waits() && !i->failing(); });
}

void Deploy::go_back(const std::string& cause) {
  disarm_timers();
  ending_ = fmt::format("{} in {} after {}, rolled back to @{}, exit 13: {}", candidate_.name(), text(phase_),
                        seconds_since(report_->began()), old_->id().value(), cause);
  phase_ = Phase::rolling_back;
  exit_ = ExitCode::rolled_back;
  host_.cut_back();
  effects_.publish();
  serial_ = host_.record(DeployHost::Record::current);
  say("cutback", fmt::format("new requests -> @{}", old_->id().value()));
}

// The guard's time is over. The record on disk still names the old generation.
void Deploy::leave_guard() {
  say("guard", fmt::format("ok: {} requests", effects_.counts(app_).requests - before_.requests));
  if (provisional_) {
    phase_ = Phase::confirming;
    serial_ = host_.record(DeployHost::Record::candidate);
    return;
  }
  phase_ = Phase::finishing;
  old_->release();
  advance_finishing();
}

void Deploy::on_confirmed(const base::Expected<void>& written) {
  if (!written) {
    if (std::exchange(unwritten_said_, true)) return;
    say("record", fmt::format("could not be written: {}; it is tried again, and @{} is kept until then",
                              written.error().what, old_->id().value()));
    return;
  }
  phase_ = Phase::finishing;
  old_->release();
  advance_finishing();
}

void Deploy::advance_finishing() {
  if (old_ != nullptr) {
    say_drained();
    if (!old_->ended()) return;
    std::string exits;
    for (const auto& instance : old_->instances()) {
      if (!instance->last_exit()) continue;
      exits += (exits.empty() ? " " : ", ") + text(*instance->last_exit());
    }
    say("stopped", fmt::format("@{}{}", old_->id().value(), exits));
  }
  AppCounts now = effects_.counts(app_);
  const auto millis = [](base::Duration took) {
    return std::chrono::duration_cast<base::Millis>(took).count();
  };
  // A client that sends slowly is no delay of ours, but it explains what was waited for.
  const auto body = millis(now.slowest_body);
  std::string itself;
  if (!now.touched.empty()) {
    itself = fmt::format("; {} answered by the proxy itself on {}",
                         now.own_answers - std::min(before_.own_answers, now.own_answers), now.touched);
  }
  finish("done",
         fmt::format("{} requests during the deploy, {} failed, {} retried, slowest {} ms{}{}",
                     now.requests - before_.requests, now.failed - before_.failed,
                     now.retried - before_.retried, millis(now.slowest),
                     body > 0 ? fmt::format(", slowest body {} ms", body) : std::string(), itself),
         ExitCode::done);
}

void Deploy::on_timer(AppTimer timer) {
  switch (timer) {
    case AppTimer::deploy_timeout:
      if (phase_ != Phase::checking) return;
      for (const auto& instance : candidate_.instances()) {
        if (instance->routable()) continue;
        fail(ExitCode::health_timeout, instance.get(), "");
        return;
      }
      return;
    case AppTimer::adoption:
      if (phase_ != Phase::adopting) return;
      // What a hanging worker still sends goes to the old generation, which cannot become quiescent before
      // that worker answers: nothing is lost by going on.
      for (std::size_t worker : effects_.late_workers()) {
        say("", fmt::format("worker {} has not adopted the cutover after 1 s", worker));
        effects_.say(base::LogLevel::warning, fmt::format("adoption-late worker={}", worker));
      }
      enter_guard();
      return;
    case AppTimer::guard:
      if (phase_ == Phase::guarding) leave_guard();
      return;
    case AppTimer::start_timeout:
    case AppTimer::record: return;
  }
}

Consequence Deploy::interrupt(Interruption what, const std::string& why) {
  Consequence follows = consequence(phase_, what, can_go_back());
  switch (follows) {
    case Consequence::refuse:
    case Consequence::nothing: break;
    case Consequence::give_up:
      give_up(ExitCode::aborted, why + " ", what == Interruption::abort ? who_serves() : "");
      break;
    case Consequence::cut_back: go_back(why); break;
    case Consequence::withdraw: withdraw(why); break;
    case Consequence::end_guard:
      disarm_timers();
      phase_ = Phase::finishing;
      if (provisional_) serial_ = host_.record(DeployHost::Record::candidate);
      if (old_ != nullptr) old_->release();
      break;
  }
  return follows;
}

// If the record on disk names the old generation beside this one, the app returns to the old one.
void Deploy::withdraw(const std::string& why) {
  disarm_timers();
  exit_ = ExitCode::aborted;
  ending_ = fmt::format("{} {} in {} after {}, exit 6", candidate_.name(), why, text(phase_),
                        seconds_since(report_->began()));
  phase_ = Phase::aborting;
  if (provisional_) host_.withdraw();
}

void Deploy::disarm_timers() {
  for (AppTimer timer : {AppTimer::deploy_timeout, AppTimer::adoption, AppTimer::guard}) {
    effects_.disarm(app_, timer);
  }
}

void Deploy::fail(ExitCode exit, const Instance* culprit, const std::string& cause) {
  if (!cause.empty()) say("cause", cause);
  if (culprit != nullptr) explain(*culprit);
  if (old_ != nullptr) say_changed();
  say("next", fmt::format("gvctl logs {}", candidate_.name()));
  give_up(exit, "", who_serves());
}

void Deploy::give_up(ExitCode exit, const std::string& why, const std::string& users) {
  disarm_timers();
  exit_ = exit;
  ending_ = fmt::format("{} {}in {} after {}, exit {}{}", candidate_.name(), why, text(phase_),
                        seconds_since(report_->began()), static_cast<int>(exit), users);
  // The record on disk may name the candidate by now; and its number must not be used again.
  serial_ = host_.record(DeployHost::Record::current);
  phase_ = Phase::aborting;
  candidate_.stop();
  advance();
}

}  // namespace gracevisor::decide
