// What a deploy tells: facts, which become the lines of its receipt and of the log.
#include <fmt/format.h>

#include <algorithm>

#include "decide/deploy.h"
#include "decide/fact_receipt.h"

namespace gracevisor::decide {
namespace {

constexpr std::size_t kOutputLines = 20;

}  // namespace

void Deploy::tell(Fact::What what) {
  const Fact fact{effects_.now(), candidate_.spec()->app.name, std::move(what)};
  effects_.tell(fact);
  if (auto line = receipt_line(fact)) report_->add(fact.at, std::move(*line));
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
  ended.after = effects_.now() - report_->began();
  return ended;
}

std::vector<std::pair<Identity, std::string>> Deploy::places() const {
  std::vector<std::pair<Identity, std::string>> places;
  for (const auto& instance : candidate_.instances()) {
    places.emplace_back(instance->identity(), effects_.place(instance->identity()));
  }
  return places;
}

void Deploy::tell_places() {
  auto spawning = [](const auto& instance) { return instance->state() == InstanceState::spawning; };
  if (places_told_ || std::ranges::any_of(candidate_.instances(), spawning)) return;
  places_told_ = places();
  tell(fact::Placed{*places_told_, false});
}

void Deploy::tell_healthy() {
  // An instance whose port was taken by another process has moved to another port.
  if (auto now = places(); places_told_ && now != *places_told_) tell(fact::Placed{std::move(now), true});
  const Instance& last = *candidate_.instances().back();
  const config::App& app = candidate_.spec()->app;
  fact::AllHealthy healthy{candidate_.healthy(), candidate_.instances().size(), {}, {}, false};
  if (config::is_routed(app.endpoint)) {
    healthy.probe = last.probe_text();
    healthy.took = last.probe().took;
    healthy.weak = app.health.kind == config::Health::Kind::http && !app.health.path_given;
  } else {
    healthy.took = effects_.now() - last.spawned_at();
  }
  tell(std::move(healthy));
}

void Deploy::tell_drained() {
  if (drained_told_ || old_ == nullptr || !old_->drained()) return;
  drained_told_ = true;
  if (!config::is_routed(candidate_.spec()->app.endpoint)) return;
  const std::uint64_t cut = old_counts().cut - std::min(old_counts().cut, old_at_cutover_.cut);
  tell(fact::Drained{old_->id(), effects_.now() - cutover_at_,
                     old_at_cutover_.in_flight - std::min(cut, old_at_cutover_.in_flight), cut});
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

fact::Traffic Deploy::traffic() const {
  const AppCounts now = effects_.counts(app_);
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

void Deploy::explain(const Instance& culprit) {
  tell(fact::Culprit{culprit.identity(), culprit.last_exit(), culprit.state(),
                     effects_.now() - culprit.spawned_at()});
  for (const std::string& line : effects_.last_output(culprit.identity(), kOutputLines)) {
    report_->add(effects_.now(), "", line);
  }
  if (!config::is_routed(candidate_.spec()->app.endpoint)) return;
  std::string probe = culprit.probe_text();
  if (!culprit.last_exit()) {
    ListenerOwner owner = effects_.listener_owner(culprit.identity());
    bool foreign = owner.ownership == Ownership::foreign && probe.find(owner.detail) == std::string::npos;
    if (foreign) probe += "; " + owner.detail;
    for (const std::string& elsewhere : owner.elsewhere) probe += "; the process listens on " + elsewhere;
  }
  tell(fact::ProbeFailed{culprit.identity(), std::move(probe)});
}

std::string Deploy::describe() const {
  return fmt::format("{} since {:.1f} s, in {}", candidate_.name(),
                     std::chrono::duration<double>(effects_.now() - report_->began()).count(), text(phase_));
}

}  // namespace gracevisor::decide
