// What a reload would do: everything is read and checked, nothing is changed.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/listed.h"
#include "config/difference.h"
#include "spec/listener_definitions.h"
#include "supervise/listener_changes.h"
#include "supervise/reload.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using decide::Refused;
using decide::ReloadApp;
using decide::ReloadStep;
using Listeners = std::vector<config::Listener>;

void add_missing(Listeners& all, const Listeners& more) {
  for (const config::Listener& listener : more) {
    if (spec::find_listener(all, listener.name) == nullptr) all.push_back(listener);
  }
}

bool is_log_key(const config::Difference& key) {
  return key.name.starts_with("log.");
}

ReloadApp::Condition condition_of(const decide::App& app) {
  if (!app.can_deploy()) return ReloadApp::Condition::busy;
  if (app.wanted()) return ReloadApp::Condition::running;
  return app.stopped() || app.live() != nullptr ? ReloadApp::Condition::stopped : ReloadApp::Condition::idle;
}

// The app that, under another listener, gets an address which the change takes from this one; empty: none. It
// may need a deploy, before which the address must not close.
std::string takes_address_of(const config::Listener& now, const config::Listener& next,
                             const config::Config& config) {
  for (const base::Address& address : now.addresses) {
    const auto has = [&](const config::Listener& one) {
      return std::ranges::find(one.addresses, address) != one.addresses.end();
    };
    if (has(next)) continue;
    for (const config::App& app : config.apps) {
      const Listeners there = spec::listeners_of(app, config.listeners);
      if (std::ranges::any_of(there, [&](const auto& one) { return one.name != now.name && has(one); })) {
        return app.name;
      }
    }
  }
  return {};
}

// Do the step's listeners come into force at once, rather than with a cutover or a start?
bool is_at_once(ReloadStep::Action action) {
  return action == ReloadStep::Action::adjust || action == ReloadStep::Action::keep;
}

}  // namespace

bool ReloadRequest::concerns(const std::string& app) const {
  return apps.empty() || std::ranges::find(apps, app) != apps.end();
}

bool ReloadPlan::puts_off() const {
  return std::ranges::find(remarks, "later", &decide::ReportLine::phase) != remarks.end();
}

std::expected<ReloadPlan, Refused> Supervisor::plan_reload(const ReloadRequest& request, Depth depth) const {
  if (auto kept = spec::can_keep_records(settings_.config.daemon.state_dir); !kept) {
    return std::unexpected(Refused{
        base::ExitCode::preflight_failed, "a reload could not be recorded: " + kept.error().what, {}});
  }
  auto files = load_files();
  if (!files) return std::unexpected(files.error());
  return plan_reload(request, std::move(*files), depth);
}

std::expected<ReloadPlan, Refused> Supervisor::plan_reload(const ReloadRequest& request, config::Loaded files,
                                                           Depth depth) const {
  ReloadPlan plan{.config = std::move(files.config), .steps = {}, .specs = {}, .opened = nullptr};
  plan.warnings = std::move(files.warnings);
  for (const LeftBehind* one : left_behind()) {
    const bool back = plan.config.find_app(one->name) != nullptr;
    if (request.remove && !back && request.concerns(one->name)) plan.forgotten.push_back(one->name);
  }
  for (const std::string& name : request.apps) {
    const bool left = std::ranges::find(plan.forgotten, name) != plan.forgotten.end();
    if (!left && plan.config.find_app(name) == nullptr && find_app(name) == nullptr) {
      return std::unexpected(no_such_app(name, &plan.config));
    }
  }
  plan_shared_listeners(request, plan);
  std::vector<std::string> faults = freeze_all(request, plan, depth);
  if (faults.empty()) {
    const std::vector<ReloadApp> apps = reload_apps(request, plan);
    plan.steps = decide::plan_reload(apps, request.remove);
    for (const ReloadApp& app : apps) {
      if (app.condition == ReloadApp::Condition::stopped) plan.stopped.insert(app.name);
    }
    faults = decide::conflicts(apps, plan.steps);
    if (request.apps.empty()) {
      plan.daemon = config::find_differences(settings_.config.daemon, plan.config.daemon);
    }
    const bool logs = depth == Depth::open && std::ranges::any_of(plan.daemon, is_log_key);
    if (auto log = logs ? settings_.check_log(plan.config.daemon.log) : base::Expected<void>(); !log) {
      faults.push_back(log.error().what);
    }
    if (faults.empty() && depth == Depth::open) faults = open_all(plan);
  }
  if (faults.empty()) return plan;
  return std::unexpected(Refused{
      base::ExitCode::preflight_failed,
      settings_.config_file.string() + " cannot be put into force; nothing was changed", std::move(faults)});
}

bool Supervisor::serves(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  return entry != nullptr && entry->app->mode() == routing::AppMode::live;
}

// A changed definition comes into force for all of its apps at once. It cannot if one of them is busy or was
// not asked for: then `plan.config` gets the one in force.
void Supervisor::plan_shared_listeners(const ReloadRequest& request, ReloadPlan& plan) const {
  for (config::Listener& listener : plan.config.listeners) {
    const config::Listener* now = listeners_.in_force(listener.name);
    if (now == nullptr || spec::differences(*now, listener).empty()) continue;
    std::vector<std::string> users;
    std::string hindrance;
    for (const auto& [id, entry] : apps_) {
      const std::string& name = entry.app->name();
      if (spec::find_listener(*face(entry).listeners, listener.name) == nullptr) continue;
      users.push_back(name);
      if (!request.concerns(name)) hindrance = name + " uses it, too: name no apps";
      if (!entry.app->can_deploy()) hindrance = name + " uses it and is busy: reload again after it";
    }
    if (const std::string heir = takes_address_of(*now, listener, plan.config); !heir.empty()) {
      hindrance = heir + " takes an address of it for itself: reload again after that";
    }
    if (listener.default_app && listener.default_app != now->default_app && !serves(*listener.default_app)) {
      hindrance = *listener.default_app + ", its new default, does not serve yet: reload again once it does";
    }
    std::string text =
        fmt::format("{} ({})", base::listed(changes_between({*now}, {listener})), base::listed(users));
    if (users.size() < 2) continue;  // its app's own: it changes with that
    if (hindrance.empty()) {
      plan.listeners.push_back(listener);
      plan.remarks.push_back({.app = listener.name, .phase = "listener", .text = std::move(text)});
    } else {
      plan.remarks.push_back(
          {.app = listener.name, .phase = "later", .text = fmt::format("{}: {}", text, hindrance)});
      listener = *now;
    }
  }
}

// Returns every complaint. What is only compared is not tried out.
std::vector<std::string> Supervisor::freeze_all(const ReloadRequest& request, ReloadPlan& plan,
                                                Depth depth) const {
  const auto read = depth == Depth::compare ? &FileAccess::freeze : &FileAccess::preflight;
  std::vector<std::string> faults;
  Listeners all;
  for (const config::App& app : plan.config.apps) {
    if (!request.concerns(app.name)) continue;
    std::vector<std::string> hints;
    auto spec = (settings_.files.*read)(app, plan.config.places,
                                        spec::listeners_of(app, plan.config.listeners), hints);
    if (!spec) {
      faults.push_back(spec.error().what);
      continue;
    }
    for (std::string& hint : hints) {
      plan.remarks.push_back({.app = app.name, .phase = "hint", .text = std::move(hint)});
    }
    add_missing(all, (*spec)->listeners);
    plan.specs[app.name] = std::move(*spec);
  }
  for (const config::Listener& listener : all) {
    if (auto sound = settings_.files.check(listener); !sound) {
      faults.push_back("listener " + listener.name + ": " + sound.error().what);
    }
  }
  return faults;
}

std::vector<ReloadApp> Supervisor::reload_apps(const ReloadRequest& request, const ReloadPlan& plan) const {
  std::vector<ReloadApp> apps;
  for (const auto& [id, entry] : apps_) {
    const decide::App& app = *entry.app;
    ReloadApp& now = apps.emplace_back(ReloadApp{.name = app.name()});
    const decide::Generation* newest = app.candidate() != nullptr ? app.candidate() : app.live();
    // With the listeners that it has by then: their changes are told once, not for each app.
    if (newest != nullptr && !app.removing()) {
      now.now = spec::with_listeners(newest->spec(), plan.listeners);
    }
    now.condition = condition_of(app);
    now.serves = app.mode() == routing::AppMode::live;
    now.known = is_known(entry, plan);
  }
  for (const config::App& app : plan.config.apps) {
    auto now = std::ranges::find(apps, app.name, &ReloadApp::name);
    if (now == apps.end()) now = apps.insert(apps.end(), ReloadApp{.name = app.name});
    if (request.concerns(app.name)) {
      now->next = plan.specs.at(app.name);
    } else {
      auto reached = std::make_shared<spec::Spec>();
      reached->app = app;
      reached->listeners = spec::listeners_of(app, plan.config.listeners);
      now->next = std::move(reached);
    }
  }
  for (ReloadApp& app : apps) {
    app.outside = !request.concerns(app.name);
    app.deploy = request.deploy && !app.outside;
  }
  return apps;
}

// Does it wait for a start, with nothing to be taken from the files meanwhile?
bool Supervisor::is_known(const AppEntry& entry, const ReloadPlan& plan) {
  auto next = plan.specs.find(entry.app->name());
  if (next == plan.specs.end() || entry.app->live() != nullptr) return false;
  const spec::Spec& spec = *next->second;
  return !spec.app.autostart && config::find_differences(entry.configured, spec.app).empty() &&
         std::ranges::equal(entry.configured_listeners, spec.listeners, [](const auto& a, const auto& b) {
           return a.name == b.name && spec::differences(a, b).empty();
         });
}

// What has to be listened on at once, and whether the descriptors suffice for everything.
std::vector<std::string> Supervisor::open_all(ReloadPlan& plan) const {
  Listeners at_once = plan.listeners;
  Listeners all = plan.listeners;
  std::vector<const config::App*> next;
  for (const ReloadStep& step : plan.steps) {
    auto spec = plan.specs.find(step.app);
    if (spec == plan.specs.end() || step.action == ReloadStep::Action::skip) continue;
    next.push_back(&spec->second->app);
    add_missing(all, spec->second->listeners);
    if (is_at_once(step.action)) add_missing(at_once, spec->second->listeners);
  }
  std::size_t addresses = 0;
  for (const config::Listener& listener : all) {
    if (listeners_.addresses(listener.name).empty()) addresses += listener.addresses.size();
  }
  if (auto shortage = shortage_with(next, addresses)) return {std::move(*shortage)};
  // What a deploy or a start opens only later must be possible now.
  if (auto possible = listeners_.could_open(all); !possible) return {possible.error().what};
  auto opened = listeners_.open(at_once);
  if (!opened) return {opened.error().what};
  plan.opened = std::move(*opened);
  return {};
}

}  // namespace gracevisor::supervise
