// The supervisor's boot: what the configuration and the state files say becomes apps, which start one after
// another.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/one_line.h"
#include "spec/listener_definitions.h"
#include "spec/record_check.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

base::Expected<void> Supervisor::boot() {
  if (settings_.successor) {
    standing_ = Standing::successor;
    world_->hold_back();
  }
  // Not a timer: one due immediately runs before the loop has looked at anything else.
  auto bell = loop::Wakeup::create(loop_, [this] { continue_boot(); });
  if (!bell) return std::unexpected(bell.error());
  boot_bell_ = std::move(*bell);
  auto observation = Observation::start(loop_, [this] { note_tallies(); });
  if (!observation) return std::unexpected(observation.error());
  observation_ = std::move(*observation);
  if (!settings_.restarted) {
    world_->end_former(settings_.config.apps);
    world_->clear_runtime_folder();
  }
  spec::LoadedStates loaded;
  if (!settings_.fresh) loaded = spec::load_states(settings_.config.daemon.state_dir);
  for (const std::string& problem : loaded.problems) log_.error("state {}", problem);
  for (const auto& [name, state] : loaded.states) {
    const bool removed = !state.live_spec && !state.stopped;
    if (settings_.config.find_app(name) == nullptr && !removed) {
      const std::string file = state.live_spec ? short_name(state.live_spec->app.source.file) : "";
      log_.warning("state app={} live={} file={} cause=\"not in the configuration: it does not run\"", name,
                   state.live.value(), file);
      if (!state.stopped) left_behind_.push_back({name, file, state.last_generation});
    }
  }
  KeptByApp kept;
  for (KeptChild& child : settings_.kept) kept[child.app].push_back(std::move(child));
  settings_.kept.clear();
  const spec::SlotsRecords slots = world_->take_former_slots();
  for (const config::App& configured : settings_.config.apps) {
    AppEntry& entry = add_at_boot(configured, loaded.states, kept);
    if (!settings_.restarted || !reattach(entry, loaded, slots, kept)) enqueue_boot(entry, loaded.states);
  }
  if (auto opened = open_at_boot(); !opened) return std::unexpected(opened.error());
  strangers_ = std::move(kept);
  if (settings_.restarted) await_reattached();
  if (!settings_.successor) boot_as_owner();
  (void)world_->publish();
  turn();
  return {};
}

// What acts on the world.
void Supervisor::boot_as_owner() {
  if (settings_.restarted) end_strays(strangers_);
  strangers_.clear();
  continue_boot();
  watch_app_folder();
}

// A generation's number is never used again, even if the record of it is lost.
AppEntry& Supervisor::add_at_boot(const config::App& configured,
                                  const std::map<std::string, spec::AppState>& states,
                                  const KeptByApp& kept) {
  base::GenerationId last;
  if (const auto known = states.find(configured.name); known != states.end())
    last = known->second.last_generation;
  if (const auto children = kept.find(configured.name); children != kept.end()) {
    for (const KeptChild& child : children->second) {
      if (child.generation <= base::GenerationId(spec::kMaxGeneration))
        last = std::max(last, child.generation);
    }
  }
  return add_app(configured, last);
}

void Supervisor::enqueue_boot(AppEntry& entry, std::map<std::string, spec::AppState>& states) {
  const config::App& configured = entry.configured;
  auto remembered = states.find(configured.name);
  bool known = remembered != states.end();
  bool stopped = known && remembered->second.stopped;
  if (!configured.autostart && !stopped) return;
  if (known && (stopped || remembered->second.live_spec)) entry.remembered = std::move(remembered->second);
  entry.app->expect_start(!stopped);
  boot_queue_.add(entry.app->id());
}

// The turn that follows rings for the next slice. A slice prepares apps; how many of their instances start at
// a time, the World's StartLimit says.
void Supervisor::continue_boot() {
  boot_queue_.run_slice([this] { return now(); }, [this](base::AppId app) { boot_app(apps_.at(app)); });
  schedule_turn();
}

void Supervisor::boot_app(AppEntry& entry) {
  if (auto state = std::exchange(entry.remembered, std::nullopt)) {
    start_remembered(entry, *state);
    return;
  }
  start_configured(entry);
}

void Supervisor::start_configured(AppEntry& entry) {
  const config::App& configured = entry.configured;
  auto spec =
      settings_.files.preflight(configured, settings_.config.places, entry.configured_listeners, entry.hints);
  if (!spec && spec.error().code == EBUSY) {
    // Nobody may be there to try again: the start itself does.
    entry.hints.clear();
    spec =
        settings_.files.freeze(configured, settings_.config.places, entry.configured_listeners, entry.hints);
  }
  if (!spec) {
    log_.error("start app={} cause=\"{}\"", configured.name, base::quotable(spec.error().what));
    entry.problems.push_back("cannot start: " + spec.error().what);
    entry.unstartable = true;
    entry.app->expect_start(false);
    return;
  }
  world_->set_user(entry.app->id(), (*spec)->credentials);
  auto report = new_report({});
  if (auto started = entry.app->start(*spec, report, {}, decide::Urgency::boot); !started) {
    log_.error("start app={} cause=\"{}\"", configured.name, base::quotable(started.error().why));
  }
  tell_hints(entry, *report);
}

void Supervisor::boot_now(const std::string& name) {
  AppEntry* entry = entry_of(name);
  if (entry == nullptr) return;
  const base::AppId id = entry->app->id();
  if (boot_queue_.take(id) || held_back_.erase(id) != 0) boot_app(*entry);
}

void Supervisor::give_up_boot() {
  for (base::AppId app : std::exchange(held_back_, {})) boot_queue_.add(app);
  for (base::AppId app : boot_queue_.waiting()) apps_.at(app).app->expect_start(false);
  boot_queue_.clear();
}

void Supervisor::start_remembered(AppEntry& entry, const spec::AppState& state) {
  auto has_listener = [&state](const std::string& name) {
    return spec::find_listener(state.live_spec->listeners, name) != nullptr;
  };
  base::Expected<void> sound;
  if (state.live_spec) sound = spec::check_record(*state.live_spec, has_listener);
  if (!sound) {
    entry.problems.push_back(fmt::format("the record of {}@{} cannot be started: {}", state.app,
                                         state.live.value(), sound.error().what));
    log_.error("start app={} cause=\"{}\"", state.app, base::quotable(entry.problems.back()));
  } else if (state.live_spec) {
    note_differences(entry, state);
    world_->set_user(entry.app->id(), state.live_spec->credentials);
  }
  if (state.guarding()) {
    entry.problems.push_back(fmt::format("{}@{} was within its guard when the daemon ended: {}@{} is back",
                                         state.app, state.candidate.value(), state.app, state.live.value()));
    log_.warning("start app={} {}", state.app, entry.problems.back());
  }
  if (state.stopped) {
    log_.info("stays-stopped app={} uid={}", state.app, state.stopped->uid);
    entry.app->stay_stopped(*state.stopped, sound ? state.live_spec : nullptr, state.live);
    return;
  }
  if (!sound) {
    entry.problems.back() += "; started from the configuration";
    start_configured(entry);
    return;
  }
  if (auto started = entry.app->start(state.live_spec, new_report({}), state.live, decide::Urgency::boot);
      !started) {
    log_.error("start app={} cause=\"{}\"", state.app, base::quotable(started.error().why));
  }
}

void Supervisor::note_differences(AppEntry& entry, const spec::AppState& state) {
  std::vector<std::string> hints;
  spec::keep_scale(*state.live_spec, entry.configured);
  auto now =
      settings_.files.freeze(entry.configured, settings_.config.places, entry.configured_listeners, hints);
  const std::string differs =
      now ? spec::names_of(spec::differences(*state.live_spec, **now)) : now.error().what;
  if (differs.empty()) return;
  // What status shows of it is found anew each time (drift.cpp).
  log_.warning("start app={} configuration differs from {}@{}: {}: gvctl deploy {}", state.app, state.app,
               state.live.value(), differs, state.app);
}

}  // namespace gracevisor::supervise
