// The boot of a daemon whose keeper had another one before: the processes of that one go on
// (decide/reattach.cpp), and clients wait in the listeners' backlogs until something can serve them.
//
// No process is started a second time: a slot with a kept process is not spawned into (App::reattach), and if
// it were, the keeper refuses a spawn for a slot of which it has a process.
#include <fmt/format.h>

#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

// One that hangs must not keep the others' clients waiting.
constexpr base::Duration kLongestWait = base::Millis(100);

const spec::FrozenGeneration* find(const std::vector<spec::FrozenGeneration>& known, base::GenerationId id) {
  const auto it = std::ranges::find(known, id, &spec::FrozenGeneration::id);
  return it == known.end() ? nullptr : &*it;
}

}  // namespace

// False: nothing is known of the app that goes on; it starts as at any boot.
bool Supervisor::reattach(AppEntry& entry, const spec::LoadedStates& states,
                          const spec::SlotsRecords& former_slots, KeptByApp& kept) {
  const std::string& name = entry.app->name();
  const auto state = states.states.find(name);
  const std::string& boot = world_->knowledge().boot_id();
  if (state == states.states.end() || state->second.boot != boot) return false;
  const auto known = spec::reattachable(state->second, boot);
  if (state->second.live_spec) world_->set_user(entry.app->id(), state->second.live_spec->credentials);
  std::vector<decide::FoundChild> found;
  std::vector<KeptChild> strangers;
  for (KeptChild& child : kept[name]) {
    const Identity who{entry.app->id(), child.generation, child.slot, child.incarnation};
    const spec::FrozenGeneration* generation = find(known, child.generation);
    if (generation == nullptr || world_->runs().find(who) != nullptr) {
      strangers.push_back(std::move(child));
      continue;
    }
    const base::BootTime started = child.started;
    world_->reattach(who, generation->spec, std::move(child));
    const Run* run = world_->runs().find(who);
    if (run == nullptr) continue;
    found.push_back({who, started, run->running()});
    if (predecessor_ && run->endpoint()) predecessor_->had(name, who);
  }
  kept[name] = std::move(strangers);
  const auto slots = former_slots.find(name);
  const spec::SlotsRecord* its = slots == former_slots.end() ? nullptr : &slots->second;
  for (const Identity& who : entry.app->reattach(state->second, its, found)) {
    log_.error("reattach app={} instance={} cause=\"no generation has such an instance\"", name,
               routing::instance_name(who));
    world_->kill_tree(who);
  }
  log_.info("reattached app={} live={} processes={}", name, state->second.live.value(), found.size());
  // Nothing has ever served: a first deploy was under way, and was aborted.
  return entry.app->live() != nullptr;
}

void Supervisor::end_strays(KeptByApp& kept) {
  for (auto& [name, children] : kept) {
    const config::App* configured = settings_.config.find_app(name);
    for (KeptChild& child : children) {
      world_->end_stray(std::move(child), configured != nullptr ? configured->stop : config::Stop{},
                        configured != nullptr ? "no record knows its generation" : "no app has this name");
    }
  }
  // An app whose record is lost starts anew, but not beside what it was.
  for (const auto& [id, entry] : apps_) {
    if (world_->has_strays(entry.app->name()) && boot_queue_.take(id)) held_back_.insert(id);
  }
  world_->end_former_meanwhile(settings_.config.apps);
  world_->clear_runtime_folder();
}

void Supervisor::let_go_held_back() {
  for (auto it = held_back_.begin(); it != held_back_.end();) {
    if (world_->has_strays(apps_.at(*it).app->name())) {
      ++it;
      continue;
    }
    boot_queue_.add(*it);
    it = held_back_.erase(it);
  }
}

void Supervisor::await_reattached() {
  accepting_ = false;
  if (reattached_serve()) {
    accept();
  } else {
    accept_timer_.start(kLongestWait);
  }
}

// Has each app that should serve an instance that passed a probe?
bool Supervisor::reattached_serve() const {
  return std::ranges::all_of(apps_, [](const auto& entry) {
    const decide::Generation* live = entry.second.app->live();
    return live == nullptr || !entry.second.app->wanted() || live->healthy() > 0 ||
           !config::is_routed(live->spec()->app.endpoint);
  });
}

void Supervisor::accept() {
  accept_timer_.stop();
  using Trusted = decide::App::Trusted;
  const Trusted which = standing_ == Standing::successor ? Trusted::all : Trusted::where_none_serves;
  for (auto& [id, entry] : apps_) entry.app->trust_reattached(which);
  trusted_ = true;
  if (standing_ == Standing::owner) accepting_ = true;
  (void)world_->publish();
}

}  // namespace gracevisor::supervise
