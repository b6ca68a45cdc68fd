// The supervisor's commands.
#include <fmt/format.h>

#include "spec/listener_definitions.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

void Supervisor::tell_hints(AppEntry& entry, decide::Report& report) {
  for (const std::string& hint : entry.hints) {
    log_.warning("hint app={} {}", entry.app->name(), hint);
    if (!report.finished()) report.add(world_->now(), "hint", hint);
  }
  entry.hints.clear();
}

Supervisor::AppEntry& Supervisor::add_app(const config::App& configured, base::GenerationId last_generation) {
  last_app_ = last_app_.next();
  world_->add_app(last_app_, configured);
  AppEntry& entry = apps_[last_app_];
  entry.app = std::make_unique<decide::App>(last_app_, configured.name, last_generation, *world_);
  entry.configured = configured;
  entry.configured_listeners = spec::listeners_of(configured, settings_.config.listeners);
  return entry;
}

// What a deploy and a first start need: the files read again, the app frozen, its listeners open. No side
// effect on what serves.
std::expected<Supervisor::AppEntry*, decide::Refused> Supervisor::prepare(const std::string& name) {
  if (shutdown_.begun())
    return std::unexpected(decide::Refused{base::ExitCode::aborted, "the daemon is shutting down", {}});
  auto loaded = config::load(settings_.config_file, settings_.config.owner);
  if (!loaded) {
    decide::Refused refused{
        base::ExitCode::usage, settings_.config_file.string() + " has errors; nothing was changed", {}};
    for (const config::Diagnostic& finding : loaded.error()) refused.details.push_back(finding.line());
    return std::unexpected(std::move(refused));
  }
  const config::App* configured = loaded->config.find_app(name);
  if (configured == nullptr) {
    return std::unexpected(
        decide::Refused{base::ExitCode::no_such_app,
                        fmt::format("{} has no app \"{}\"", settings_.config_file.string(), name),
                        {}});
  }
  AppEntry* entry = entry_of(name);
  auto planned = plan_listeners(entry, *configured, loaded->config);
  if (!planned) return std::unexpected(planned.error());
  std::vector<std::string> hints;
  auto spec = settings_.files.freeze(*configured, planned->listeners, hints);
  if (!spec) return std::unexpected(decide::Refused{base::ExitCode::preflight_failed, spec.error().what, {}});
  std::size_t addresses = 0;
  for (const config::Listener& listener : planned->listeners) {
    if (auto sound = settings_.files.check(listener); !sound) {
      return std::unexpected(decide::Refused{
          base::ExitCode::preflight_failed, "listener " + listener.name + ": " + sound.error().what, {}});
    }
    if (listeners_.addresses(listener.name).empty()) addresses += listener.addresses.size();
  }
  if (decide::DescriptorBudget next = budget_with(configured, addresses); !next.enough()) {
    return std::unexpected(decide::Refused{
        base::ExitCode::preflight_failed, next.shortfall() + " with this deploy; nothing was changed", {}});
  }
  auto opened = listeners_.open(planned->listeners);
  if (!opened)
    return std::unexpected(decide::Refused{base::ExitCode::preflight_failed, opened.error().what, {}});
  if (entry == nullptr) entry = &add_app(*configured, base::GenerationId());
  note_touched(*entry, **spec);
  entry->configured = *configured;
  entry->configured_listeners = planned->listeners;
  entry->problems = std::move(planned->left);
  for (const std::string& left : entry->problems) log_.warning("listener app={} {}", name, left);
  entry->hints = std::move(hints);
  world_->set_user(entry->app->id(), (*spec)->credentials);
  entry->listeners = PendingListeners{*spec, std::move(*opened), std::move(planned->changes)};
  return entry;
}

std::expected<void, decide::Refused> Supervisor::deploy(const std::string& name,
                                                        const std::shared_ptr<decide::Report>& report) {
  if (auto kept = spec::can_keep_records(settings_.config.daemon.state_dir); !kept) {
    return std::unexpected(decide::Refused{
        base::ExitCode::preflight_failed, "a deploy could not be recorded: " + kept.error().what, {}});
  }
  boot_now(name);
  // Busy is reported before the files are read: a running deploy's listeners and configuration stay as they
  // are.
  if (AppEntry* entry = entry_of(name)) {
    if (auto free = entry->app->can_deploy(); !free) return free;
  }
  auto entry = prepare(name);
  if (!entry) return std::unexpected(entry.error());
  auto begun = (*entry)->app->deploy((*entry)->listeners->spec, report);
  tell_hints(**entry, *report);
  if (begun && !report->finished()) {
    for (const std::string& change : (*entry)->listeners->changes) {
      report->add(world_->now(), "listener", change);
      log_.info("listener app={} {}", name, change);
    }
    for (const std::string& left : (*entry)->problems) report->add(world_->now(), "listener", left);
  }
  schedule_turn();
  return begun;
}

std::expected<void, decide::Refused> Supervisor::start(const std::string& name,
                                                       const std::shared_ptr<decide::Report>& report) {
  boot_now(name);
  AppEntry* entry = entry_of(name);
  spec::SpecRef spec;
  if (entry == nullptr || entry->app->live() == nullptr) {
    auto prepared = prepare(name);
    if (!prepared) return std::unexpected(prepared.error());
    entry = *prepared;
    spec = entry->listeners->spec;
  }
  auto begun = entry->app->start(spec, report);
  tell_hints(*entry, *report);
  schedule_turn();
  return begun;
}

std::expected<void, decide::Refused> Supervisor::stop(const std::string& name, const spec::Stopped& by,
                                                      bool now, std::shared_ptr<decide::Report> report) {
  boot_now(name);
  AppEntry* entry = entry_of(name);
  if (entry == nullptr) {
    return std::unexpected(
        decide::Refused{base::ExitCode::no_such_app, fmt::format("no app \"{}\"", name), {}});
  }
  auto begun = entry->app->stop(by, now, std::move(report));
  schedule_turn();
  return begun;
}

std::expected<void, decide::Refused> Supervisor::abort(const std::string& name, uid_t by,
                                                       std::shared_ptr<decide::Report> report) {
  AppEntry* entry = entry_of(name);
  if (entry == nullptr) {
    return std::unexpected(
        decide::Refused{base::ExitCode::no_such_app, fmt::format("no app \"{}\"", name), {}});
  }
  auto begun = entry->app->abort(by, std::move(report));
  schedule_turn();
  return begun;
}

}  // namespace gracevisor::supervise
