#include "supervise/snapshot.h"

#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

InstanceSnapshot snapshot_of(const decide::Instance& instance, const World& world) {
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
  const Run* run = world.find_run(instance.identity());
  if (run == nullptr || run->gone() || !run->left().empty()) return result;
  result.process = {run->pid(), instance.spawned_at(), run->place(), world.counts(instance.identity())};
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

AppSnapshot Supervisor::snapshot_of(const AppEntry& entry) const {
  const decide::App& app = *entry.app;
  const config::App& config = *face(entry).config;
  AppSnapshot result;
  result.name = app.name();
  result.state = app.state();
  result.wanted = config.instances;
  result.counts = world_->counts(app.id());
  for (const std::string& listener : config.listen) {
    for (std::string& address : listeners_.addresses(listener))
      result.addresses.push_back(std::move(address));
  }
  if (!config.listen.empty()) result.routes = config.routes;
  if (const decide::Generation* live = app.live()) add_live(*live, result);
  for (const decide::Generation* generation : app.generations()) {
    GenerationSnapshot& to = result.generations.emplace_back();
    to.id = generation->id();
    for (const auto& instance : generation->instances()) {
      to.instances.push_back(supervise::snapshot_of(*instance, *world_));
    }
  }
  if (const auto& report = app.last_deploy()) {
    result.last_deploy = {report->began(), report->finished(), report->lines().back()};
  }
  result.stopped = app.stopped();
  result.record_trouble = app.record_trouble();
  result.remarks = entry.missing;
  result.remarks.insert(result.remarks.end(), entry.problems.begin(), entry.problems.end());
  for (const auto& [who, run] : world_->runs_of(app.id())) {
    if (!run->left().empty()) result.left.push_back({who, run->left(), run->place()});
  }
  return result;
}

Snapshot Supervisor::snapshot() const {
  Snapshot result;
  result.now = world_->now();
  result.workers = workers_;
  result.epoch = publisher_.epoch();
  result.budget = budget();
  result.remarks = remarks();
  for (const auto& [id, entry] : apps_) result.apps.push_back(snapshot_of(entry));
  return result;
}

std::optional<AppSnapshot> Supervisor::snapshot(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  return entry == nullptr ? std::nullopt : std::optional(snapshot_of(*entry));
}

AppOutput* Supervisor::output(const std::string& name) {
  const AppEntry* entry = find_app(name);
  return entry == nullptr ? nullptr : &world_->output(entry->app->id());
}

}  // namespace gracevisor::supervise
