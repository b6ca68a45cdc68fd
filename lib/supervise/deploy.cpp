#include "supervise/deploy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gracevisor::supervise {
namespace {

constexpr base::Duration kAdoptionDeadline = std::chrono::seconds(1);
constexpr std::size_t kOutputLines = 20;

double seconds(base::Duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string count(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

// "9 in flight, 3 upgraded": requests, and beside them what lasts for as long as both ends like.
std::string in_flight_text(const EndpointCounts& counts) {
  std::uint64_t requests = counts.in_flight - std::min(counts.tunnels, counts.in_flight);
  std::string text = fmt::format("{} in flight", requests);
  if (counts.tunnels > 0) text += fmt::format(", {} upgraded", counts.tunnels);
  return text;
}

}  // namespace

std::string_view text(Deploy::Phase phase) {
  switch (phase) {
    case Deploy::Phase::checking: return "checking";
    case Deploy::Phase::recording: return "recording";
    case Deploy::Phase::adopting: return "cutover";
    case Deploy::Phase::guarding: return "guarding";
    case Deploy::Phase::finishing: return "finishing";
    case Deploy::Phase::aborting: return "aborting";
    case Deploy::Phase::rolling_back: return "rolling back";
    case Deploy::Phase::ended: return "ended";
  }
  return "?";
}

Deploy::Deploy(base::AppId app, Generation& candidate, Generation* old, DeployHost& host, Effects& effects,
               std::shared_ptr<Report> report)
    : app_(app),
      candidate_(candidate),
      old_(old),
      host_(host),
      effects_(effects),
      report_(std::move(report)),
      before_(effects.counts(app)) {}

void Deploy::say(const std::string& phase, const std::string& text) {
  report_->add(effects_.now(), phase, text);
}

void Deploy::finish(const std::string& phase, const std::string& text, ExitCode exit) {
  phase_ = Phase::ended;
  effects_.say(exit == ExitCode::done ? base::LogLevel::info : base::LogLevel::error,
               fmt::format("deploy-end app={} generation={} exit={} {}", candidate_.spec()->app.name,
                           candidate_.id().value(), static_cast<int>(exit), text));
  report_->finish(effects_.now(), phase, text, exit);
}

std::string Deploy::seconds_since(base::TimePoint then) const {
  return fmt::format("{:.1f} s", seconds(effects_.now() - then));
}

void Deploy::begin() {
  const config::App& app = candidate_.spec()->app;
  std::string was = old_ != nullptr ? fmt::format(" (was @{})", old_->id().value()) : "";
  say("deploy", fmt::format("{}{}  {}  {}", candidate_.name(), was, count(app.instances, "instance"),
                            candidate_.spec()->directory.string()));
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
    case Phase::guarding: advance_guard(); return;
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
  const Instance& last = *candidate_.instances().back();
  const config::App& app = candidate_.spec()->app;
  std::string gate = config::is_routed(app.endpoint)
                         ? fmt::format("{} ({} ms)", last.probe_text(),
                                       std::chrono::duration_cast<base::Millis>(last.probe().took).count())
                         : fmt::format("alive for {}", seconds_since(last.spawned_at()));
  bool weak = config::is_routed(app.endpoint) && app.health.kind == config::Health::Kind::http &&
              !app.health.path_given;
  say("healthy", fmt::format("{}/{}  {}{}", candidate_.healthy(), candidate_.instances().size(), gate,
                             weak ? "  gate: GET / below 500; set health for a real check" : ""));
  phase_ = Phase::recording;
  host_.record(&candidate_, ++serial_);
}

void Deploy::say_started() {
  if (started_said_) return;
  std::string places;
  for (const auto& instance : candidate_.instances()) {
    if (instance->state() == InstanceState::spawning) return;
    places += fmt::format("{}{}.{} {}", places.empty() ? "" : "   ", candidate_.id().value(),
                          instance->identity().slot.value(), effects_.place(instance->identity()));
  }
  started_said_ = true;
  say("start", places);
}

void Deploy::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  if (phase_ != Phase::recording || serial != serial_) return;
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
  bool parked = old_ != nullptr && candidate_.spec()->app.deploy.guard > base::Millis::zero() &&
                config::is_routed(candidate_.spec()->app.endpoint);
  phase_ = Phase::adopting;
  cutover_at_ = effects_.now();
  host_.cut_over(parked);
  cutover_epoch_ = effects_.publish();
  effects_.arm(app_, AppTimer::adoption, kAdoptionDeadline);
}

void Deploy::on_adopted(base::Epoch epoch) {
  if (phase_ != Phase::adopting || epoch < cutover_epoch_) return;
  effects_.disarm(app_, AppTimer::adoption);
  enter_guard();
}

void Deploy::enter_guard() {
  std::string old;
  if (old_ != nullptr) {
    old = fmt::format("   (@{} has {})", old_->id().value(), in_flight_text(old_at_cutover_));
  }
  say("cutover", fmt::format("new requests -> @{}{}", candidate_.id().value(), old));
  effects_.say(base::LogLevel::info,
               fmt::format("cutover app={} generation={} epoch={}", candidate_.spec()->app.name,
                           candidate_.id().value(), cutover_epoch_.value()));
  const config::Deploy& settings = candidate_.spec()->app.deploy;
  bool guarded = old_ != nullptr && settings.guard > base::Millis::zero() &&
                 config::is_routed(candidate_.spec()->app.endpoint);
  if (guarded) {
    phase_ = Phase::guarding;
    effects_.arm(app_, AppTimer::guard, settings.guard);
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
    bool old_can_serve = std::any_of(old_->instances().begin(), old_->instances().end(),
                                     [](const auto& i) { return i->waits() && !i->failing(); });
    if (!old_can_serve) {
      if (!std::exchange(alert_said_, true)) {
        effects_.say(base::LogLevel::error,
                     fmt::format("guard-alert app={} cause=\"no old instance to go back to\"",
                                 candidate_.spec()->app.name));
      }
      return;
    }
    effects_.disarm(app_, AppTimer::guard);
    std::string cause = exited && instance->last_exit() ? text(*instance->last_exit())
                                                        : "unhealthy: " + instance->probe_text();
    explain(*instance);
    phase_ = Phase::rolling_back;
    exit_ = ExitCode::rolled_back;
    ending_ = fmt::format("{} in guarding after {}, rolled back to @{}, exit 13: {}.{} {}", candidate_.name(),
                          seconds_since(report_->began()), old_->id().value(), candidate_.id().value(),
                          instance->identity().slot.value(), cause);
    host_.cut_back();
    effects_.publish();
    host_.record(old_, ++serial_);
    say("cutback", fmt::format("new requests -> @{}", old_->id().value()));
    return;
  }
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
  std::string itself;
  if (!now.touched.empty()) {
    itself = fmt::format("; {} answered by the proxy itself on {}",
                         now.own_answers - std::min(before_.own_answers, now.own_answers), now.touched);
  }
  finish(
      "done",
      fmt::format("{} requests during the deploy, {} failed, {} retried, slowest {} ms{}",
                  now.requests - before_.requests, now.failed - before_.failed, now.retried - before_.retried,
                  std::chrono::duration_cast<base::Millis>(now.slowest).count(), itself),
      ExitCode::done);
}

void Deploy::say_drained() {
  if (drained_said_ || old_ == nullptr || !old_->drained()) return;
  drained_said_ = true;
  if (!config::is_routed(candidate_.spec()->app.endpoint)) return;
  std::uint64_t cut = old_counts().cut - std::min(old_counts().cut, old_at_cutover_.cut);
  say("drained", fmt::format("@{} in {}: {} finished, {} cut", old_->id().value(), seconds_since(cutover_at_),
                             old_at_cutover_.in_flight - std::min(cut, old_at_cutover_.in_flight), cut));
}

EndpointCounts Deploy::old_counts() const {
  EndpointCounts sum;
  if (old_ == nullptr) return sum;
  for (const auto& instance : old_->instances()) {
    EndpointCounts one = effects_.counts(instance->identity());
    sum.in_flight += one.in_flight;
    sum.tunnels += one.tunnels;
    sum.requests += one.requests;
    sum.server_errors += one.server_errors;
    sum.cut += one.cut;
  }
  return sum;
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
      // What a worker that hangs still sends goes to the old generation, which cannot become quiescent before
      // it answers: nothing is lost by going on.
      for (std::size_t worker : effects_.late_workers()) {
        say("", fmt::format("worker {} has not adopted the cutover after 1 s", worker));
        effects_.say(base::LogLevel::warning, fmt::format("adoption-late worker={}", worker));
      }
      enter_guard();
      return;
    case AppTimer::guard:
      if (phase_ != Phase::guarding) return;
      say("guard", fmt::format("ok: {} requests", effects_.counts(app_).requests - before_.requests));
      phase_ = Phase::finishing;
      old_->release();
      advance_finishing();
      return;
    case AppTimer::start_timeout: return;
  }
}

void Deploy::abort(const std::string& reason) {
  switch (phase_) {
    case Phase::checking:
    case Phase::recording: fail(ExitCode::aborted, nullptr, reason); return;
    case Phase::adopting:
    case Phase::guarding:
      effects_.disarm(app_, AppTimer::guard);
      effects_.disarm(app_, AppTimer::adoption);
      phase_ = Phase::finishing;
      if (old_ != nullptr) old_->release();
      return;
    case Phase::finishing:
    case Phase::aborting:
    case Phase::rolling_back:
    case Phase::ended: return;
  }
}

void Deploy::fail(ExitCode exit, const Instance* culprit, const std::string& cause) {
  effects_.disarm(app_, AppTimer::deploy_timeout);
  std::string_view where = text(phase_);
  if (!cause.empty()) say("cause", cause);
  if (culprit != nullptr) explain(*culprit);
  if (old_ != nullptr) {
    std::string changed;
    for (const std::string& what : differences(*old_->spec(), *candidate_.spec())) {
      changed += (changed.empty() ? "" : ", ") + what;
    }
    say("changed", changed.empty() ? fmt::format("nothing against @{}", old_->id().value()) : changed);
  }
  say("next", fmt::format("gvctl logs {}", candidate_.name()));
  std::string users = old_ == nullptr ? ""
                                      : fmt::format("; @{} serves {}/{}", old_->id().value(), old_->healthy(),
                                                    old_->instances().size());
  exit_ = exit;
  ending_ = fmt::format("{} in {} after {}, exit {}{}", candidate_.name(), where,
                        seconds_since(report_->began()), static_cast<int>(exit), users);
  // The record on disk may name the candidate by now.
  if (phase_ == Phase::recording) host_.record(old_, ++serial_);
  phase_ = Phase::aborting;
  candidate_.stop();
  advance();
}

void Deploy::explain(const Instance& culprit) {
  std::string name = fmt::format("{}.{}", candidate_.id().value(), culprit.identity().slot.value());
  if (culprit.last_exit()) {
    say("cause",
        fmt::format("{} {} after {}", name, text(*culprit.last_exit()), seconds_since(culprit.spawned_at())));
  } else {
    say("cause", fmt::format("{} {} for {}, not healthy", name, text(culprit.state()),
                             seconds_since(culprit.spawned_at())));
  }
  for (const std::string& line : effects_.last_output(culprit.identity(), kOutputLines)) say("", line);
  if (!config::is_routed(candidate_.spec()->app.endpoint)) return;
  std::string probe = culprit.probe_text();
  if (!culprit.last_exit()) {
    ListenerOwner owner = effects_.listener_owner(culprit.identity());
    bool foreign = owner.ownership == Ownership::foreign && probe.find(owner.detail) == std::string::npos;
    if (foreign) probe += "; " + owner.detail;
    for (const std::string& elsewhere : owner.elsewhere) probe += "; the process listens on " + elsewhere;
  }
  say("probe", probe);
}

std::string Deploy::describe() const {
  return fmt::format("{} since {}, in {}", candidate_.name(), seconds_since(report_->began()), text(phase_));
}

}  // namespace gracevisor::supervise
