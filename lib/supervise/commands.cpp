// The supervisor's commands and its boot: reading the configuration and the state files into apps.
#include <fmt/format.h>

#include "supervise/listener_definitions.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

base::Expected<void> Supervisor::boot() {
  // No timer: one that is due at once runs before the loop has looked at anything else.
  auto bell = loop::Wakeup::create(loop_, [this] { continue_boot(); });
  if (!bell) return std::unexpected(bell.error());
  boot_bell_ = std::move(*bell);
  world_->clear_leftovers();
  LoadedStates loaded;
  if (!settings_.fresh) loaded = load_states(settings_.config.daemon.state_dir);
  for (const std::string& problem : loaded.problems) log_.error("state {}", problem);
  for (const auto& [name, state] : loaded.states) {
    if (settings_.config.find_app(name) == nullptr) {
      log_.warning("state app={} live={} cause=\"not in the configuration, left alone\"", name,
                   state.live.value());
    }
  }
  for (const config::App& configured : settings_.config.apps) enqueue_boot(configured, loaded.states);
  if (auto opened = open_at_boot(); !opened) return std::unexpected(opened.error());
  continue_boot();
  (void)world_->publish();
  turn();
  return {};
}

void Supervisor::enqueue_boot(const config::App& configured, std::map<std::string, AppState>& states) {
  auto remembered = states.find(configured.name);
  bool known = remembered != states.end();
  AppEntry& entry = add_app(configured, known ? remembered->second.last_generation : base::GenerationId());
  if (!configured.autostart) return;
  if (known && remembered->second.live_spec) entry.remembered = std::move(remembered->second);
  entry.app->expect_start(true);
  boot_queue_.add(entry.app->id());
}

void Supervisor::continue_boot() {
  boot_queue_.run_slice([this] { return world_->now(); },
                        [this](base::AppId app) { boot_app(apps_.at(app)); });
  if (!boot_queue_.waiting().empty()) boot_bell_->ring();
}

void Supervisor::boot_app(AppEntry& entry) {
  if (auto state = std::exchange(entry.remembered, std::nullopt)) {
    start_remembered(entry, *state);
    return;
  }
  const config::App& configured = entry.configured;
  auto spec = freeze(configured, entry.configured_listeners);
  if (!spec) {
    log_.error("start app={} cause=\"{}\"", configured.name, spec.error().what);
    entry.problems.push_back("cannot start: " + spec.error().what);
    entry.app->expect_start(false);
    return;
  }
  if (auto started = entry.app->start(*spec, new_report()); !started) {
    log_.error("start app={} cause=\"{}\"", configured.name, started.error().why);
  }
}

void Supervisor::boot_now(const std::string& name) {
  AppEntry* entry = entry_of(name);
  if (entry != nullptr && boot_queue_.take(entry->app->id())) boot_app(*entry);
}

void Supervisor::give_up_boot() {
  for (base::AppId app : boot_queue_.waiting()) apps_.at(app).app->expect_start(false);
  boot_queue_.clear();
}

void Supervisor::start_remembered(AppEntry& entry, const AppState& state) {
  auto now = freeze(entry.configured, entry.configured_listeners);
  std::string differs;
  if (now) {
    for (const std::string& what : differences(*state.live_spec, **now)) {
      differs += (differs.empty() ? "" : ", ") + what;
    }
  } else {
    differs = now.error().what;
  }
  if (!differs.empty()) {
    entry.problems.push_back(fmt::format("configuration differs from {}@{}: {}: gvctl deploy {}", state.app,
                                         state.live.value(), differs, state.app));
    log_.warning("start app={} {}", state.app, entry.problems.back());
  }
  if (auto started = entry.app->start(state.live_spec, new_report(), state.live); !started) {
    log_.error("start app={} cause=\"{}\"", state.app, started.error().why);
  }
}

Supervisor::AppEntry& Supervisor::add_app(const config::App& configured, base::GenerationId last_generation) {
  last_app_ = last_app_.next();
  world_->add_app(last_app_, configured);
  AppEntry& entry = apps_[last_app_];
  entry.app = std::make_unique<App>(last_app_, configured.name, last_generation, *world_);
  entry.configured = configured;
  entry.configured_listeners = listeners_of(configured, settings_.config.listeners);
  return entry;
}

// What a deploy and a first start need: the files read again, the app frozen, its listeners open. No side
// effect on what serves.
std::expected<Supervisor::AppEntry*, Refused> Supervisor::prepare(const std::string& name) {
  if (stage_ != Stage::serving)
    return std::unexpected(Refused{ExitCode::aborted, "the daemon is shutting down", {}});
  auto loaded = config::load(settings_.config_file);
  if (!loaded) {
    Refused refused{ExitCode::usage, settings_.config_file.string() + " has errors; nothing was changed", {}};
    for (const config::Diagnostic& finding : loaded.error()) refused.details.push_back(finding.line());
    return std::unexpected(std::move(refused));
  }
  const config::App* configured = loaded->config.find_app(name);
  if (configured == nullptr) {
    return std::unexpected(Refused{ExitCode::no_such_app,
                                   fmt::format("{} has no app \"{}\"", settings_.config_file.string(), name),
                                   {}});
  }
  AppEntry* entry = entry_of(name);
  auto planned = plan_listeners(entry, *configured, loaded->config);
  if (!planned) return std::unexpected(planned.error());
  auto spec = freeze(*configured, planned->listeners);
  if (!spec) return std::unexpected(Refused{ExitCode::preflight_failed, spec.error().what, {}});
  auto opened = listeners_.open(planned->listeners);
  if (!opened) return std::unexpected(Refused{ExitCode::preflight_failed, opened.error().what, {}});
  if (entry == nullptr) entry = &add_app(*configured, base::GenerationId());
  note_touched(*entry, **spec);
  entry->configured = *configured;
  entry->configured_listeners = std::move(planned->listeners);
  entry->problems = std::move(planned->left);
  for (const std::string& left : entry->problems) log_.warning("listener app={} {}", name, left);
  entry->listeners = PendingListeners{*spec, std::move(*opened), std::move(planned->changes)};
  return entry;
}

std::expected<void, Refused> Supervisor::deploy(const std::string& name, std::shared_ptr<Report> report) {
  boot_now(name);
  // Busy is said before the files are read: a running deploy's listeners and configuration stay as they are.
  if (AppEntry* entry = entry_of(name)) {
    if (auto free = entry->app->can_deploy(); !free) return free;
  }
  auto entry = prepare(name);
  if (!entry) return std::unexpected(entry.error());
  auto begun = (*entry)->app->deploy((*entry)->listeners->spec, report);
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

std::expected<void, Refused> Supervisor::start(const std::string& name, std::shared_ptr<Report> report) {
  boot_now(name);
  AppEntry* entry = entry_of(name);
  SpecRef spec;
  if (entry == nullptr || entry->app->live() == nullptr) {
    auto prepared = prepare(name);
    if (!prepared) return std::unexpected(prepared.error());
    entry = *prepared;
    spec = entry->listeners->spec;
  }
  auto begun = entry->app->start(spec, std::move(report));
  schedule_turn();
  return begun;
}

std::expected<void, Refused> Supervisor::stop(const std::string& name, bool now,
                                              std::shared_ptr<Report> report) {
  boot_now(name);
  AppEntry* entry = entry_of(name);
  if (entry == nullptr) {
    return std::unexpected(Refused{ExitCode::no_such_app, fmt::format("no app \"{}\"", name), {}});
  }
  auto begun = entry->app->stop(now, std::move(report));
  schedule_turn();
  return begun;
}

}  // namespace gracevisor::supervise
