// What a deploy reports: the lines of its report.
#include <fmt/format.h>

#include <algorithm>

#include "decide/deploy.h"

namespace gracevisor::decide {
namespace {

constexpr std::size_t kOutputLines = 20;

// "9 in flight, 3 upgraded": requests, and connections that last as long as both ends like.
std::string in_flight_text(const EndpointCounts& counts) {
  std::uint64_t requests = counts.in_flight - std::min(counts.tunnels, counts.in_flight);
  std::string text = fmt::format("{} in flight", requests);
  if (counts.tunnels > 0) text += fmt::format(", {} upgraded", counts.tunnels);
  return text;
}

}  // namespace

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
  return fmt::format("{:.1f} s", std::chrono::duration<double>(effects_.now() - then).count());
}

std::string Deploy::places() const {
  std::string places;
  for (const auto& instance : candidate_.instances()) {
    places += fmt::format("{}{} {}", places.empty() ? "" : "   ",
                          routing::instance_name(instance->identity()), effects_.place(instance->identity()));
  }
  return places;
}

void Deploy::say_started() {
  auto spawning = [](const auto& instance) { return instance->state() == InstanceState::spawning; };
  if (places_said_ || std::ranges::any_of(candidate_.instances(), spawning)) return;
  places_said_ = places();
  say("start", *places_said_);
}

void Deploy::say_healthy() {
  // An instance whose port was taken by another process has moved to another port.
  if (std::string now = places(); places_said_ && now != *places_said_) say("", "moved: " + now);
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
}

void Deploy::say_cutover() {
  std::string old;
  if (old_ != nullptr) {
    old = fmt::format("   (@{} has {})", old_->id().value(), in_flight_text(old_at_cutover_));
  }
  say("cutover", fmt::format("new requests -> @{}{}", candidate_.id().value(), old));
  effects_.say(base::LogLevel::info,
               fmt::format("cutover app={} generation={} epoch={}", candidate_.spec()->app.name,
                           candidate_.id().value(), cutover_epoch_.value()));
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

void Deploy::say_changed() {
  const std::string changed = spec::names_of(spec::differences(*old_->spec(), *candidate_.spec()));
  say("changed", changed.empty() ? fmt::format("nothing against @{}", old_->id().value()) : changed);
}

std::string Deploy::who_serves() const {
  if (old_ == nullptr) return "";
  return fmt::format("; @{} serves {}/{}", old_->id().value(), old_->healthy(), old_->instances().size());
}

void Deploy::explain(const Instance& culprit) {
  std::string name = routing::instance_name(culprit.identity());
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

}  // namespace gracevisor::decide
