// The supervisor's commands.
#include <fmt/format.h>

#include "base/nearest.h"
#include "decide/fact_receipt.h"
#include "spec/listener_definitions.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

void Supervisor::tell_hints(AppEntry& entry, decide::Report& report) {
  for (const std::string& hint : entry.hints) {
    log_.warning("hint app={} {}", entry.app->name(), hint);
    if (!report.finished()) report.add(now(), "hint", hint);
  }
  entry.hints.clear();
}

AppEntry& Supervisor::add_app(const config::App& configured, base::GenerationId last_generation) {
  last_app_ = last_app_.next();
  world_->add_app(last_app_, configured);
  AppEntry& entry = apps_[last_app_];
  entry.app =
      std::make_unique<decide::App>(last_app_, configured.name, last_generation, world_->surroundings());
  entry.configured = configured;
  entry.configured_listeners = spec::listeners_of(configured, settings_.config.listeners);
  entry.rates.note(now(), {});
  configuration_stale_ = true;
  if (new_app_) new_app_(configured.name);
  return entry;
}

// What a command gave it outlasts what the files said then.
void Supervisor::keep_scale(config::App& configured) const {
  const AppEntry* entry = find_app(configured.name);
  if (entry == nullptr) return;
  const decide::Generation* newest =
      entry->app->candidate() != nullptr ? entry->app->candidate() : entry->app->live();
  if (newest != nullptr) spec::keep_scale(*newest->spec(), configured);
}

std::expected<config::Loaded, decide::Refused> Supervisor::load_files() const {
  if (shutdown_.begun()) return decide::refused(base::ExitCode::aborted, "the daemon is shutting down");
  if (settings_.safe) {
    return std::unexpected(
        decide::Refused{base::ExitCode::busy,
                        "the daemon kept ending soon after its start, and serves with as little as possible "
                        "(--safe): no deploy, "
                        "no reload; its log says why it ended; gvctl shutdown ends it and its apps",
                        {}});
  }
  auto loaded = config::load(settings_.config_file, settings_.config.owner);
  if (loaded) {
    for (config::App& app : loaded->config.apps) keep_scale(app);
    return std::move(*loaded);
  }
  decide::Refused refused{
      base::ExitCode::usage, settings_.config_file.string() + " has errors; nothing was changed", {}};
  for (const config::Diagnostic& finding : loaded.error()) refused.details.push_back(finding.line());
  return std::unexpected(std::move(refused));
}

base::GenerationId Supervisor::last_generation_of(const std::string& name) const {
  if (settings_.fresh) return {};
  auto state = spec::load_state(settings_.config.daemon.state_dir, name);
  return state ? state->last_generation : base::GenerationId();
}

decide::Refused Supervisor::no_such_app(const std::string& name, const config::Config* config) const {
  std::vector<std::string_view> known;
  known.reserve(apps_.size() + (config == nullptr ? 0 : config->apps.size()));
  for (const auto& [id, entry] : apps_) known.push_back(entry.app->name());
  if (config != nullptr) {
    for (const config::App& app : config->apps) known.push_back(app.name);
  }
  const bool runs = find_app(name) != nullptr;
  std::string text =
      runs ? fmt::format("{} no longer has the app \"{}\"", settings_.config_file.string(), name)
           : fmt::format("no app \"{}\"{}", name, base::did_you_mean(name, known));
  return {base::ExitCode::no_such_app, std::move(text), {}};
}

// What a deploy and a first start need: the app frozen, its listeners open. No side effect on what serves.
std::expected<AppEntry*, decide::Refused> Supervisor::prepare(const std::string& name,
                                                              const config::Config& config,
                                                              spec::SpecRef frozen) {
  const config::App* configured = config.find_app(name);
  if (configured == nullptr) {
    return std::unexpected(no_such_app(name, &config));
  }
  AppEntry* entry = entry_of(name);
  auto planned = plan_listeners(entry, *configured, config);
  if (!planned) return std::unexpected(planned.error());
  std::vector<std::string> hints;
  if (frozen == nullptr) {
    auto spec = settings_.files.preflight(*configured, config.places, planned->listeners, hints);
    if (!spec) return decide::refused(base::ExitCode::preflight_failed, spec.error().what);
    frozen = std::move(*spec);
  }
  std::size_t addresses = 0;
  for (const config::Listener& listener : planned->listeners) {
    if (auto sound = settings_.files.check(listener); !sound) {
      return std::unexpected(decide::Refused{
          base::ExitCode::preflight_failed, "listener " + listener.name + ": " + sound.error().what, {}});
    }
    if (listeners_.addresses(listener.name).empty()) addresses += listener.addresses.size();
  }
  if (const auto shortage = shortage_with({configured}, addresses)) {
    return std::unexpected(decide::Refused{
        base::ExitCode::preflight_failed, *shortage + " with this deploy; nothing was changed", {}});
  }
  auto opened = listeners_.open(planned->listeners);
  if (!opened) return decide::refused(base::ExitCode::preflight_failed, opened.error().what);
  if (entry == nullptr) entry = &add_app(*configured, last_generation_of(name));
  note_touched(*entry, *frozen);
  entry->configured = *configured;
  entry->configured_listeners = planned->listeners;
  configuration_stale_ = true;
  entry->unstartable = false;
  entry->problems = std::move(planned->left);
  for (const std::string& left : entry->problems) log_.warning("listener app={} {}", name, left);
  entry->hints = std::move(hints);
  world_->set_user(entry->app->id(), frozen->credentials);
  entry->listeners = PendingListeners{std::move(frozen), std::move(*opened), std::move(planned->changes)};
  return entry;
}

// What the one who deploys asks next: is anything down now?
decide::Refused Supervisor::with_state_of(const std::string& name, decide::Refused refused) const {
  const AppEntry* entry = find_app(name);
  if (entry == nullptr || entry->app->live() == nullptr || !entry->app->wanted()) return refused;
  const decide::Generation& live = *entry->app->live();
  refused.details.push_back("nothing changed: " +
                            decide::serving_text(live.name(), live.healthy(), live.wanted()));
  return refused;
}

std::expected<void, decide::Refused> Supervisor::deploy(const std::string& name,
                                                        const std::shared_ptr<decide::Report>& report) {
  if (auto kept = spec::can_keep_records(settings_.config.daemon.state_dir); !kept) {
    return std::unexpected(decide::Refused{
        base::ExitCode::preflight_failed, "a deploy could not be recorded: " + kept.error().what, {}});
  }
  boot_now(name);
  const DriftLine differs = drift_line({name});
  // Busy is reported before the files are read: a running deploy's listeners and configuration stay as they
  // are.
  if (AppEntry* entry = entry_of(name)) {
    if (auto free = entry->app->can_deploy(); !free) return free;
  }
  auto entry = prepare_from_files(name);
  if (!entry) return std::unexpected(with_state_of(name, entry.error()));
  auto begun = begin_deploy(**entry, report);
  if (begun) tell_drift(differs, *report);
  schedule_turn();
  return begun;
}

std::expected<void, decide::Refused> Supervisor::begin_deploy(AppEntry& entry,
                                                              const std::shared_ptr<decide::Report>& report) {
  auto begun = entry.app->deploy(entry.listeners->spec, report);
  tell_hints(entry, *report);
  if (begun && !report->finished()) {
    for (const std::string& change : entry.listeners->changes) {
      report->add(now(), "listener", change);
      log_.info("listener app={} {}", entry.app->name(), change);
    }
    for (const std::string& left : entry.problems) report->add(now(), "listener", left);
  }
  return begun;
}

// An app that is stopped and differs from the files is deployed: should that fail, it stays stopped, as it
// was. One that runs, or tries to, is started with what it has: only its failures are forgotten.
std::expected<void, decide::Refused> Supervisor::start(const std::string& name, Freshness freshness,
                                                       const std::shared_ptr<decide::Report>& report) {
  if (shutdown_.begun()) {
    return decide::refused(base::ExitCode::aborted, "the daemon is shutting down");
  }
  boot_now(name);
  AppEntry* entry = entry_of(name);
  const bool ran = entry != nullptr && entry->app->live() != nullptr;
  const bool reads = !ran || (freshness == Freshness::as_files_say && !entry->app->wanted());
  const DriftLine differs = drift_line(reads ? std::set{name} : std::set<std::string>());
  std::expected<void, decide::Refused> begun;
  if (reads) {
    if (entry != nullptr) {
      if (auto free = entry->app->can_deploy(); !free) return free;
    }
    auto prepared = prepare_from_files(name);
    if (!prepared && ran) {
      prepared.error().details.push_back("gvctl start --same " + name + " starts it as it was stopped");
    }
    if (!prepared) return std::unexpected(prepared.error());
    entry = *prepared;
  }
  if (reads && ran && !spec::differences(*entry->app->live()->spec(), *entry->listeners->spec).empty()) {
    begun = begin_deploy(*entry, report);
    if (begun) tell_drift(differs, *report);
  } else {
    tell_drift(differs, *report);
    begun = entry->app->start(ran ? nullptr : entry->listeners->spec, report);
    tell_hints(*entry, *report);
  }
  schedule_turn();
  return begun;
}

std::expected<AppEntry*, decide::Refused> Supervisor::prepare_from_files(const std::string& name) {
  auto files = load_files();
  if (!files) return std::unexpected(files.error());
  return prepare(name, files->config);
}

std::expected<void, decide::Refused> Supervisor::stop(const std::string& name, const spec::Stopped& by,
                                                      decide::Haste haste,
                                                      std::shared_ptr<decide::Report> report) {
  auto app = booted(name);
  if (!app) return std::unexpected(app.error());
  tell_drift(drift_line({}), *report);
  auto begun = (*app)->stop(by, haste, std::move(report));
  schedule_turn();
  return begun;
}

std::expected<void, decide::Refused> Supervisor::abort(const std::string& name, uid_t by,
                                                       std::shared_ptr<decide::Report> report) {
  auto app = booted(name);
  if (!app) return std::unexpected(app.error());
  auto begun = (*app)->abort(by, std::move(report));
  schedule_turn();
  return begun;
}

}  // namespace gracevisor::supervise
