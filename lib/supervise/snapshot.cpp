#include "supervise/snapshot.h"

#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

// Does what it last wrote help whoever looks at it?
bool is_unwell(const decide::Instance& instance) {
  using decide::InstanceState;
  const InstanceState state = instance.state();
  return state == InstanceState::backoff || state == InstanceState::fatal ||
         state == InstanceState::unhealthy ||
         (state == InstanceState::starting && instance.failures_in_a_row() > 0);
}

InstanceSnapshot snapshot_of(const decide::Instance& instance, const World& world,
                             const Observation* observation) {
  InstanceSnapshot result;
  result.who = instance.identity();
  result.state = instance.state();
  result.crash_looping = instance.crash_looping();
  result.since = instance.since();
  result.due = instance.due();
  result.restarts = instance.restarts();
  result.failures_in_a_row = instance.failures_in_a_row();
  result.last_exit = instance.last_exit();
  result.probe = instance.probe_text();
  if (instance.probe().tries > 0) result.probe_took = instance.probe().took;
  result.probes_failed = instance.probe().failures_in_a_row;
  result.probes_allowed = instance.spec()->app.health.unhealthy_after;
  if (is_unwell(instance)) {
    for (std::string& line : world.knowledge().last_output(instance.identity(), 1)) {
      result.last_line = std::move(line);
    }
  } else {
    result.last_line = instance.last_words();
  }
  const Run* run = world.runs().find(instance.identity());
  if (run == nullptr || run->gone() || !run->left().empty()) return result;
  result.process = {run->pid(), instance.spawned_at(), run->place(),
                    world.knowledge().counts(instance.identity()), std::nullopt};
  if (observation != nullptr) {
    result.process->usage = observation->usage({run->pid().value(), run->started()});
  }
  return result;
}

std::optional<DeploySnapshot> deploy_of(const decide::App& app, const World& world) {
  const auto& report = app.last_deploy();
  if (report == nullptr) return std::nullopt;
  DeploySnapshot result;
  result.began = report->began();
  result.finished = report->finished();
  result.generation = report->generation();
  result.last = report->lines().back();
  const decide::Deploy* deploy = app.unfinished_deploy();
  if (deploy == nullptr) return result;
  result.phase = deploy->phase();
  result.until = deploy->until();
  if (deploy->old() == nullptr) return result;
  for (const auto& instance : deploy->old()->instances()) {
    result.draining += world.knowledge().counts(instance->identity()).in_flight;
  }
  return result;
}

void add_live(const decide::Generation& live, AppSnapshot& into) {
  into.live = live.id();
  into.healthy = live.healthy();
  for (const auto& instance : live.instances()) {
    if (instance->state() != decide::InstanceState::healthy) continue;
    into.healthy_since = std::min(into.healthy_since.value_or(instance->since()), instance->since());
  }
}

}  // namespace

observe::Answers answers_of(const decide::AppCounts& counts) {
  return {counts.requests, counts.failed + counts.server_errors};
}

AppSnapshot Supervisor::snapshot_of(const AppEntry& entry, const Drift& differing) const {
  const decide::App& app = *entry.app;
  const config::App& config = *face(entry).config;
  AppSnapshot result;
  result.name = app.name();
  result.state = app.state();
  result.wanted = config.instances;
  result.scaled_from = config.scaled_from;
  result.should_run = app.wanted() || entry.unstartable;
  if (entry.unstartable) result.state = "fatal";
  result.counts = world_->knowledge().counts(app.id());
  result.rates = entry.rates.since(now(), answers_of(result.counts));
  for (const std::string& listener : config.listen) {
    for (std::string& address : listeners_.addresses(listener))
      result.addresses.push_back(std::move(address));
  }
  if (!config.listen.empty()) result.routes = config.routes;
  if (const decide::Generation* live = app.live()) add_live(*live, result);
  result.newest = app.last_generation();
  for (const decide::Generation* generation : app.generations()) {
    GenerationSnapshot& to = result.generations.emplace_back();
    to.id = generation->id();
    for (const auto& instance : generation->instances()) {
      to.instances.push_back(supervise::snapshot_of(*instance, *world_, observation_.get()));
    }
  }
  result.last_deploy = deploy_of(app, *world_);
  result.failure = app.failure();
  result.stopped = app.stopped();
  result.record_trouble = app.record_trouble();
  result.remarks = entry.missing;
  result.remarks.insert(result.remarks.end(), entry.problems.begin(), entry.problems.end());
  if (const Drift::Item* changed = differing.changed(app.name())) result.differs = changed->keys;
  if (auto mine = differing.faults.find(app.name()); mine != differing.faults.end()) {
    result.fault = mine->second;
  }
  for (const auto& [who, run] : world_->runs().of(app.id())) {
    if (!run->left().empty()) result.left.push_back({who, run->left(), run->place()});
  }
  return result;
}

Snapshot Supervisor::snapshot() const {
  Snapshot result;
  result.now = now();
  result.workers = workers_;
  result.epoch = publisher_.epoch();
  result.budget = budget();
  result.remarks = remarks();
  if (settings_.cgroups != nullptr) {
    result.cgroups = settings_.cgroups->folder();
    result.no_cgroups = settings_.cgroups->why_none();
  }
  if (app_folder_ != nullptr) result.app_folder = app_folder_->problems();
  const Drift& differing = drift();
  for (const auto& [id, entry] : apps_) result.apps.push_back(snapshot_of(entry, differing));
  result.drift = drift_line({}).text;
  return result;
}

std::optional<AppSnapshot> Supervisor::snapshot(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  return entry == nullptr ? std::nullopt : std::optional(snapshot_of(*entry, drift()));
}

std::shared_ptr<AppOutput> Supervisor::output(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  return entry == nullptr ? nullptr : world_->holdings(entry->app->id()).output;
}

}  // namespace gracevisor::supervise
