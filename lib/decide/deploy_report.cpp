// What a deploy tells: facts, which become the lines of its receipt and of the log.
#include <fmt/format.h>

#include <algorithm>

#include "decide/deploy.h"

namespace gracevisor::decide {

void Deploy::tell(Fact::What what) {
  effects_.tell({knowledge_.now(), candidate_.spec()->app.name, std::move(what)}, report_.get());
}

void Deploy::end(fact::DeployEnded ended) {
  phase_ = Phase::ended;
  tell(std::move(ended));
}

// As it would end now.
fact::DeployEnded Deploy::ending(ExitCode exit) const {
  fact::DeployEnded ended;
  ended.generation = candidate_.id();
  ended.exit = exit;
  ended.phase = phase_;
  ended.after = knowledge_.now() - report_->began();
  ended.routed = config::is_routed(candidate_.spec()->app.endpoint);
  return ended;
}

std::vector<std::pair<Identity, Whereabouts>> Deploy::places() const {
  std::vector<std::pair<Identity, Whereabouts>> places;
  for (const auto& instance : candidate_.instances()) {
    places.emplace_back(instance->identity(), knowledge_.place(instance->identity()));
  }
  return places;
}

void Deploy::tell_places() {
  auto unplaced = [](const auto& instance) {
    return instance->queued() || instance->state() == InstanceState::spawning;
  };
  if (places_told_ || std::ranges::any_of(candidate_.instances(), unplaced)) return;
  places_told_ = places();
  tell(fact::Placed{*places_told_, false});
}

void Deploy::tell_healthy() {
  // An instance whose port was taken by another process has moved to another port.
  if (auto now = places(); places_told_ && now != *places_told_) tell(fact::Placed{std::move(now), true});
  const Instance& last = *candidate_.instances().back();
  const config::App& app = candidate_.spec()->app;
  fact::AllHealthy healthy{candidate_.healthy(), candidate_.wanted(), {}, {}, false};
  if (config::is_routed(app.endpoint)) {
    healthy.probe = last.probe_text();
    healthy.took = last.probe().took;
    healthy.weak = app.health.kind == config::Health::Kind::http && !app.health.path_given;
  } else {
    healthy.took = knowledge_.now() - last.spawned_at();
  }
  tell(std::move(healthy));
}

void Deploy::tell_drained() {
  if (drained_told_ || old_ == nullptr || !old_->drained()) return;
  drained_told_ = true;
  if (!config::is_routed(candidate_.spec()->app.endpoint)) return;
  const std::uint64_t cut = old_counts().cut - std::min(old_counts().cut, old_at_cutover_.cut);
  tell(fact::Drained{old_->id(), knowledge_.now() - cutover_at_,
                     old_at_cutover_.in_flight - std::min(cut, old_at_cutover_.in_flight), cut});
}

EndpointCounts Deploy::old_counts() const {
  EndpointCounts sum;
  if (old_ == nullptr) return sum;
  for (const auto& instance : old_->instances()) {
    EndpointCounts one = knowledge_.counts(instance->identity());
    sum.in_flight += one.in_flight;
    sum.tunnels += one.tunnels;
    sum.requests += one.requests;
    sum.server_errors += one.server_errors;
    sum.cut += one.cut;
  }
  return sum;
}

fact::Traffic Deploy::traffic() const {
  const AppCounts now = knowledge_.counts(app_);
  fact::Traffic traffic;
  traffic.requests = now.requests - before_.requests;
  traffic.failed = now.failed - before_.failed;
  traffic.retried = now.retried - before_.retried;
  traffic.slowest = now.slowest;
  traffic.slowest_body = now.slowest_body;
  traffic.touched = now.touched;
  traffic.own_answers = now.own_answers - std::min(before_.own_answers, now.own_answers);
  return traffic;
}

std::optional<base::TimePoint> Deploy::until() const {
  if (phase_ == Phase::checking) {
    if (candidate_.queued() > 0) return std::nullopt;
    base::TimePoint last = report_->began();
    for (const auto& instance : candidate_.instances()) last = std::max(last, instance->start_began());
    return last + candidate_.spec()->app.deploy.timeout;
  }
  return phase_ == Phase::guarding ? guard_until_ : std::nullopt;
}

std::string Deploy::describe() const {
  return fmt::format("{} since {:.1f} s, in {}", candidate_.name(),
                     std::chrono::duration<double>(knowledge_.now() - report_->began()).count(),
                     text(phase_));
}

}  // namespace gracevisor::decide
