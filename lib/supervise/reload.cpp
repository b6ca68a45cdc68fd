#include "supervise/reload.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/one_line.h"
#include "config/difference.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

using decide::Refused;
using decide::ReloadStep;

std::expected<void, Refused> Supervisor::reload(const ReloadRequest& request,
                                                const std::shared_ptr<decide::Report>& report) {
  if (reloading_) {
    const bool deploys = reloading_->report->command().verb == "deploy";
    return std::unexpected(Refused{
        base::ExitCode::busy,
        fmt::format("{} is under way: gvctl status", deploys ? "a deploy of several apps" : "a reload"),
        {}});
  }
  if (booting()) {
    return std::unexpected(Refused{base::ExitCode::busy,
                                   fmt::format("the daemon is starting its apps, {} to go",
                                               boot_queue_.waiting().size() + held_back_.size()),
                                   {}});
  }
  auto plan = plan_reload(request, Depth::open);
  if (!plan) {
    log_.error("reload cause=\"{}\"", base::quotable(plan.error().why));
    for (const std::string& detail : plan.error().details) {
      log_.error("reload cause=\"{}\"", base::quotable(detail));
    }
    return std::unexpected(plan.error());
  }
  if (request.dry_run) {
    tell_plan(*plan, *report, request.dry_run);
    report->finish(now(), "done", "nothing was changed", base::ExitCode::done);
    return {};
  }
  if (request.deploy) {
    tell_drift(drift_line(std::set<std::string>(request.apps.begin(), request.apps.end())), *report);
  }
  const auto trees = plan->config.trees;
  begin(std::move(*plan), report);
  if (request.apps.empty()) note_app_folder(trees, request.remove);
  return {};
}

void Supervisor::begin(ReloadPlan plan, std::shared_ptr<decide::Report> report) {
  tell_plan(plan, *report, false);
  for (const config::Diagnostic& warning : plan.warnings) {
    log_.warning("reload cause=\"{}\"", base::quotable(warning.line()));
  }
  decide::Reload steps(plan.steps);
  // Whoever does not wait stops reading there.
  report->add(now(), "begun", "");
  reloading_ = std::make_unique<Reloading>(Reloading{std::move(plan), std::move(steps), std::move(report)});
  begin_reload();
  schedule_turn();
}

// Everything that waits for nothing, for one table. Deploys and starts come after it, since they are prepared
// with the listeners then in force.
void Supervisor::begin_reload() {
  ReloadPlan& plan = reloading_->plan;
  forget_left_behind(plan);
  adjust_daemon(plan);
  listeners_.commit(std::move(plan.opened));
  for (auto& [id, entry] : apps_) {
    (void)spec::replace_listeners(entry.configured_listeners, plan.listeners);
    const decide::Generation* live = entry.app->live();
    if (live == nullptr || !entry.app->can_deploy()) continue;
    spec::SpecRef spec = spec::with_listeners(live->spec(), plan.listeners);
    if (spec != live->spec()) entry.app->adjust(std::move(spec));
  }
  for (const ReloadStep& step : plan.steps) {
    if (step.action == ReloadStep::Action::keep) keep_for_next_start(*plan.specs.at(step.app));
    AppEntry* entry = plan.specs.contains(step.app) ? entry_of(step.app) : nullptr;
    if (step.action == ReloadStep::Action::none && !plan.puts_off() && entry != nullptr)
      entry->problems.clear();
  }
  for (const ReloadStep& step : reloading_->steps.at_once()) {
    adjust_app(*entry_of(step.app), *spec_of(step));
  }
  (void)world_->publish();
}

void Supervisor::adjust_daemon(const ReloadPlan& plan) {
  configuration_stale_ = true;
  if (plan.daemon.empty()) return;
  config::Daemon& in_force = settings_.config.daemon;
  in_force.autodiscover = plan.config.daemon.autodiscover;
  in_force.shutdown_timeout = plan.config.daemon.shutdown_timeout;
  in_force.upgrade_drain_timeout = plan.config.daemon.upgrade_drain_timeout;
  if (config::find_differences(in_force.log, plan.config.daemon.log).empty()) return;
  in_force.log = plan.config.daemon.log;
  settings_.adjust_log(in_force.log);
}

// An app that does not run, as its clients see it until it starts.
void Supervisor::keep_for_next_start(const spec::Spec& next) {
  AppEntry* entry = entry_of(next.app.name);
  if (entry == nullptr) entry = &add_app(next.app, last_generation_of(next.app.name));
  entry->configured = next.app;
  entry->configured_listeners = next.listeners;
  configuration_stale_ = true;
}

spec::SpecRef Supervisor::spec_of(const ReloadStep& step) {
  const spec::SpecRef& planned = reloading_->plan.specs.at(step.app);
  const AppEntry* entry = find_app(step.app);
  const decide::Generation* live = entry == nullptr ? nullptr : entry->app->live();
  if (live == nullptr) return planned;
  // It may have been scaled since the plan was made.
  auto next = std::make_shared<spec::Spec>(*planned);
  next->app.instances = next->app.scaled_from.value_or(next->app.instances);
  next->app.scaled_from.reset();
  spec::keep_scale(*live->spec(), next->app);
  const bool keeps = !step.heirs.empty() && step.action != ReloadStep::Action::yield;
  return keeps ? decide::with_former_routes(next, *live->spec()) : next;
}

void Supervisor::reload_when_free() {
  reload_asked_ = true;
  schedule_turn();
}

void Supervisor::advance_reload() {
  if (!reloading_) {
    if (reload_asked_ && !booting()) {
      reload_asked_ = false;
      (void)reload({}, new_report({"reload"}));  // its log has the outcome
    }
    return;
  }
  if (shutdown_.begun()) {
    reloading_->report->finish(now(), "failed", "the daemon is shutting down", base::ExitCode::aborted);
    reloading_.reset();
    return;
  }
  for (const auto& [app, exit] : std::exchange(reloading_->finished, {})) reloading_->steps.done(app, exit);
  for (const ReloadStep& step : reloading_->steps.next()) begin_step(step);
  tell_given_up();
  const bool recorded =
      std::ranges::all_of(apps_, [](const auto& one) { return one.second.app->recorded(); });
  if (reloading_->steps.over() && recorded) end_reload();
}

void Supervisor::begin_step(const ReloadStep& step) {
  auto receipt = new_report(reloading_->report->command());
  relay(*receipt, step.app);
  reloading_->receipts.insert_or_assign(step.app, receipt);
  if (auto begun = try_step(step, receipt); !begun) {
    receipt->finish(now(), "failed", begun.error().why, begun.error().exit);
  }
}

// Much may have happened to the app since the plan was made.
std::expected<void, Refused> Supervisor::try_step(const ReloadStep& step,
                                                  const std::shared_ptr<decide::Report>& receipt) {
  using Action = ReloadStep::Action;
  AppEntry* entry = entry_of(step.app);
  if (entry != nullptr) {
    if (auto free = entry->app->can_deploy(); !free) return free;
  }
  if (step.action == Action::yield || step.action == Action::adjust) {
    auto adjusted = adjust_later(step);
    if (adjusted)
      receipt->finish(now(), std::string(word(step.action)), explanation(step), base::ExitCode::done);
    return adjusted;
  }
  if (step.action == Action::remove && entry != nullptr) {
    remove(*entry, receipt);
    return {};
  }
  const bool stopped = entry != nullptr && entry->app->stopped();
  if (stopped && !reloading_->plan.stopped.contains(step.app)) {
    keep_for_next_start(*reloading_->plan.specs.at(step.app));
    receipt->finish(now(), "stopped", "by a command meanwhile: its next start takes it",
                    base::ExitCode::aborted);
    return {};
  }
  auto prepared = prepare(step.app, reloading_->plan.config, spec_of(step));
  if (!prepared) return std::unexpected(prepared.error());
  if (step.action == Action::deploy) return begin_deploy(**prepared, receipt);
  auto begun = (*prepared)->app->start((*prepared)->listeners->spec, receipt);
  tell_hints(**prepared, *receipt);
  return begun;
}

// Its addresses and routes are others' at once, while it drains.
void Supervisor::remove(AppEntry& entry, const std::shared_ptr<decide::Report>& receipt) {
  entry.configured.listen.clear();
  entry.configured.routes.clear();
  entry.configured_listeners.clear();
  entry.app->remove(receipt);
}

// Addresses that only this app uses may have to be opened, as what was opened at the beginning is listed by
// now, or closed.
std::expected<void, Refused> Supervisor::adjust_later(const ReloadStep& step) {
  const spec::SpecRef next = spec_of(step);
  AppEntry* entry = entry_of(step.app);
  if (entry == nullptr || entry->app->live() == nullptr) return {};
  if (auto refused = refuse_shared_tcp(entry, next->app, next->listeners)) {
    return std::unexpected(std::move(*refused));
  }
  auto opened = listeners_.open(next->listeners);
  if (!opened) return decide::refused(base::ExitCode::preflight_failed, opened.error().what);
  listeners_.commit(std::move(*opened));
  adjust_app(*entry, *next);
  (void)world_->publish();
  return {};
}

void Supervisor::adjust_app(AppEntry& entry, const spec::Spec& next) {
  const decide::Generation& live = *entry.app->live();
  auto spec = spec::adjusted(*live.spec(), next);
  world_->holdings(entry.app->id()).output->adjust(live.id(), spec->app.log);
  entry.configured = next.app;
  entry.configured_listeners = next.listeners;
  configuration_stale_ = true;
  entry.problems.clear();
  entry.app->adjust(std::move(spec));
  world_->note_adjusted(entry.app->id());
}

void Supervisor::forget_removed() {
  std::erase_if(apps_, [this](auto& one) {
    auto& [id, entry] = one;
    if (!entry.app->removed()) return false;
    log_.info("removed app={}", entry.app->name());
    world_->retire_app(id);
    world_->drop_slots(entry.app->name());
    drift_.known = false;
    configuration_stale_ = true;
    (void)world_->publish();
    return true;
  });
}

}  // namespace gracevisor::supervise
