#include "supervise/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/one_line.h"
#include "decide/fact_log.h"
#include "decide/fact_receipt.h"
#include "inspect/listener_owner.h"
#include "spec/obstacle.h"
#include "supervise/most_starts.h"

namespace gracevisor::supervise {
namespace {

// The record of processes is one of all apps. It is for a daemon of another keeper, which also knows them by
// their marks.
constexpr base::Duration kRecordPause = std::chrono::milliseconds(250);

spec::Placement placement(const Identity& who, const std::optional<base::Address>& address,
                          const std::string& state_id) {
  spec::Placement place{who.generation, who.slot, {}, {}, state_id};
  if (!address) return place;
  place.port = address->port();
  if (address->is_unix()) place.socket = address->text().substr(5);
  return place;
}

}  // namespace

World::World(Surroundings around)
    : around_(std::move(around)),
      leases_(around_.ports, around_.runtime_dir, around_.holder, around_.ensure_runtime_dir),
      looker_(around_.loop, around_.parent.pid()),
      strays_(process_surroundings(), around_.log, [this] { around_.schedule_turn(); }),
      former_timer_(around_.loop, [this] { advance_former(); }),
      timers_(around_.loop, around_.events),
      knowledge_(runs_, apps_, around_.publisher, around_.count_touched),
      slots_(around_.holder, around_.log),
      listener_logs_(around_.writer),
      record_pace_(around_.loop, kRecordPause, [this] { write_record(); }),
      starts_(most_starts(around_.max_starts)) {
  around_.writer.on_room([this] {
    for (const auto& [who, run] : runs_.all()) run->resume_output();
  });
}

World::~World() {
  record_pace_.hurry();
  around_.writer.on_room({});
}

process::ProcessSurroundings World::process_surroundings() {
  return {around_.loop, around_.parent, looker_, around_.cgroups};
}

void World::add_app(base::AppId app, const config::App& config) {
  AppHoldings& holdings = apps_[app];
  holdings.ledger = std::make_shared<routing::AppLedger>(around_.workers);
  auto alive = [this, app](base::GenerationId generation) {
    const decide::App* decider = around_.find_app(app);
    return decider != nullptr && decider->has(generation);
  };
  holdings.output =
      std::make_shared<AppOutput>(around_.loop, around_.writer, around_.state_dir, config, std::move(alive));
  if (!reading_) holdings.output->pause();
  holdings.history = std::make_shared<History>(
      around_.state_dir / "history" / (config.name + ".json"),
      [writer = &around_.writer](const std::filesystem::path& file, std::string text) {
        // A command has no less succeeded if this cannot be written.
        writer->replace(file, std::move(text), {});
      });
}

void World::retire_app(base::AppId app) {
  apps_.at(app).output->close();
  retired_.insert(app);
}

void World::note_adjusted(base::AppId app) {
  record_stale_ = true;
  for (const auto& [who, run] : runs_.of(app)) run->resume_output();
}

void World::set_user(base::AppId app, const std::optional<spawn::Credentials>& who) {
  AppHoldings& holdings = apps_.at(app);
  holdings.user = who ? around_.writer.user(*who) : nullptr;
  holdings.output->set_user(holdings.user);
}

void World::sweep() {
  runs_.erase_if([this](const Run& run) {
    if (!run.released(around_.publisher)) return false;
    if (run.endpoint()) leases_.give_back(*run.spec(), run.endpoint()->address);
    record_stale_ = true;
    return true;
  });
  leases_.close_listening([this](const Identity& slot) { return is_over(slot); });
  std::erase_if(retired_, [this](base::AppId app) {
    if (!runs_.of(app).empty()) return false;
    apps_.erase(app);
    return true;
  });
}

bool World::is_over(const Identity& slot) const {
  const decide::App* app = around_.find_app(slot.app);
  if (app == nullptr) return true;
  for (const decide::Generation* generation : app->generations()) {
    if (generation->id() != slot.generation) continue;
    for (const auto& instance : generation->instances()) {
      if (instance->identity().slot == slot.slot) return instance->ended();
    }
  }
  return true;
}

bool World::over() const {
  return strays_.empty() && std::ranges::all_of(runs_.all(), [this](const auto& entry) {
           return entry.second->over(around_.publisher);
         });
}

bool World::take_dirty() {
  return std::exchange(dirty_, false);
}

bool World::socket_in_place(const Identity& who) const {
  const Run* run = runs_.find(who);
  return run == nullptr || !run->endpoint() || leases_.in_place(run->endpoint()->address);
}

spec::Placement World::placement_of(const Run& run) const {
  const auto& endpoint = run.endpoint();
  return placement(run.identity(), endpoint ? std::optional(endpoint->address) : std::nullopt,
                   around_.state_id);
}

decide::ListenerOwner World::listener_owner(const Identity& who) const {
  const Run* run = runs_.find(who);
  if (run == nullptr || !run->endpoint() || run->pid() == base::Pid()) return {};
  // The daemon's own socket: any process that answers on it was given it.
  if (run->spec()->app.endpoint == config::EndpointKind::fd) return {decide::Ownership::own, {}, {}};
  return inspect::find_listener_owner(run->endpoint()->address, run->pid());
}

// The same of an instance that does not answer.
decide::ListenerOwner World::failed_owner(const Identity& who) const {
  const Run* run = runs_.find(who);
  const bool passed = run != nullptr && run->endpoint() && run->pid() != base::Pid() &&
                      run->spec()->app.endpoint == config::EndpointKind::fd;
  if (!passed) return listener_owner(who);
  return inspect::find_passed_listener(run->endpoint()->address.text().substr(5), run->pid());
}

void World::spawn(const Identity& who, const spec::SpecRef& spec) {
  if (holds_back([this, who, spec] { spawn(who, spec); })) return;
  output(who).begin(who, spec->app.log);
  if (auto begun = try_spawn(who, spec); !begun) refuse_spawn(who, *spec, begun.error());
}

// A run that could not be started keeps its lease until it is swept.
std::expected<void, World::Refusal> World::try_spawn(const Identity& who, const spec::SpecRef& spec) {
  auto lease = leases_.lease(who, *spec);
  if (!lease) {
    const int code = lease.error().code != 0 ? lease.error().code : EADDRNOTAVAIL;
    return std::unexpected(Refusal{{spawn::SpawnStage::endpoint, code}, lease.error().what});
  }
  RunObserver& observer = *this;  // private inheritance: only visible from inside
  Run& run =
      runs_.add(std::make_unique<Run>(who, spec, lease->address, around_.workers, observer, output(who)));
  auto plan = spec::plan(*spec, placement(who, lease->address, around_.state_id));
  if (!plan) return std::unexpected(Refusal{{spawn::SpawnStage::plan, EINVAL}, plan.error().what});
  if (around_.cgroups != nullptr) {
    // What is started as it was recorded has had no preflight.
    if (auto can = around_.cgroups->need_for(plan->limits); !can)
      return std::unexpected(Refusal{can.error(), text(spawn::ExitStatus(can.error()))});
  }
  plan->open_files = around_.open_files;
  plan->listener = lease->listener;
  record_stale_ = true;
  if (auto started = run.start(process_surroundings(), std::move(*plan)); !started) {
    return std::unexpected(Refusal{started.error(), text(spawn::ExitStatus(started.error()))});
  }
  return {};
}

void World::refuse_spawn(const Identity& who, const spec::Spec& spec, const Refusal& refusal) {
  tell_refused(who, spec, refusal.why);
  output(who).end(who);
  around_.events.add(who.app, [who, failure = refusal.failure](decide::App& app) {
    app.on(who, spawn::Ended{failure});
    app.on(who, spawn::Gone{});
  });
}

void World::tell_refused(const Identity& who, const spec::Spec& spec, const std::string& why) {
  around_.log.error("spawn-failed app={} instance={} cause=\"{}\"", spec.app.name,
                    routing::instance_name(who), base::quotable(why));
  output(who).note(who, "cannot start: " + why);
}

void World::signal(const Identity& who, int number, config::Stop::Scope scope) {
  if (holds_back([this, who, number, scope] { signal(who, number, scope); })) return;
  if (Run* run = runs_.find(who)) run->signal(number, scope);
}

void World::pass_signal(const Identity& who, int number, config::Stop::Scope scope) {
  if (holds_back([this, who, number, scope] { pass_signal(who, number, scope); })) return;
  if (Run* run = runs_.find(who)) run->pass_signal(number, scope);
}

void World::kill_tree(const Identity& who) {
  if (holds_back([this, who] { kill_tree(who); })) return;
  if (Run* run = runs_.find(who)) run->kill_tree();
}

void World::arm(const Identity& who, decide::InstanceTimer timer, base::Duration after) {
  timers_.arm(TimerSet::OfInstance(who, timer), after);
}
void World::disarm(const Identity& who, decide::InstanceTimer timer) {
  timers_.disarm(TimerSet::OfInstance(who, timer));
}
void World::arm(base::AppId app, decide::AppTimer timer, base::Duration after) {
  timers_.arm(TimerSet::OfApp(app, timer), after);
}
void World::disarm(base::AppId app, decide::AppTimer timer) {
  timers_.disarm(TimerSet::OfApp(app, timer));
}

base::Epoch World::publish() {
  dirty_ = true;
  around_.schedule_turn();
  return around_.publisher.next_epoch();
}

void World::close_endpoint(const Identity& who) {
  if (Run* run = runs_.find(who)) run->listing().closing = true;
}

void World::close_endpoints() {
  strays_.kill();
  for (const auto& [who, run] : runs_.all()) run->listing().closing = true;
}

void World::open_window(base::AppId app) {
  ++apps_.at(app).window;
  (void)publish();
}

void World::record(base::AppId app, const spec::AppState& state, std::uint64_t serial) {
  if (holds_back([this, app, state, serial] { record(app, state, serial); })) return;
  around_.writer.replace(spec::state_path(around_.state_dir, state.app), to_text(state),
                         [this, app, serial](base::Expected<void> written) {
                           around_.events.add(app, [serial, written](decide::App& target) {
                             target.on_recorded(serial, written);
                           });
                         });
}

void World::tell(decide::Fact fact, decide::Report* receipt) {
  auto* failed = std::get_if<decide::fact::ProbeFailed>(&fact.what);
  if (failed != nullptr && failed->owner) failed->owner = failed_owner(failed->who);
  if (auto* busy = std::get_if<decide::fact::PortBusy>(&fact.what))
    busy->holder = inspect::find_port_holder(busy->ports);
  if (auto line = decide::log_text(fact)) around_.log.write(line->level, line->text);
  if (receipt != nullptr) decide::add_line(fact, *receipt);
}

void World::on_begun(const Identity& /*who*/) {
  record_stale_ = true;
  around_.schedule_turn();
}

void World::on(const Identity& who, const spawn::ProcessEvent& told) {
  const spawn::ProcessEvent event = explained(who, told);
  if (const auto* ended = std::get_if<spawn::Ended>(&event)) tell_unstarted(who, *ended);
  if (std::holds_alternative<spawn::Ended>(event)) output(who).flush(who);
  if (std::holds_alternative<spawn::Gone>(event)) output(who).end(who);
  if (const auto* left = std::get_if<spawn::Left>(&event)) tell_left(who, *left);
  around_.events.add(who.app, [this, who, event](decide::App& app) {
    std::optional<decide::ListenerOwner> owner;
    if (app.needs_owner(who, event)) owner = listener_owner(who);
    app.on(who, event, owner);
  });
}

// One that the parent could not start: no process ever wrote a word.
void World::tell_unstarted(const Identity& who, const spawn::Ended& ended) {
  const auto* failed = std::get_if<spawn::SpawnFailed>(&ended.status);
  const Run* run = runs_.find(who);
  if (failed == nullptr || run == nullptr || run->pid() != base::Pid()) return;
  tell_refused(who, *run->spec(), text(ended.status));
}

// A program that could not be executed: the file and the cause are named.
spawn::ProcessEvent World::explained(const Identity& who, const spawn::ProcessEvent& event) const {
  const auto* ended = std::get_if<spawn::Ended>(&event);
  const auto* failed = ended != nullptr ? std::get_if<spawn::SpawnFailed>(&ended->status) : nullptr;
  const Run* run = runs_.find(who);
  if (failed == nullptr || run == nullptr || !spec::needs_words(*failed)) return event;
  std::optional<base::Address> address;
  if (run->endpoint()) address = run->endpoint()->address;
  auto plan = spec::plan(*run->spec(), placement(who, address, around_.state_id));
  if (!plan) return spawn::Ended{spawn::SpawnFailed{failed->stage, failed->code, plan.error().what}};
  return spawn::Ended{spec::explained(spec::RealDisk(), *plan, *failed)};
}

void World::tell_left(const Identity& who, const spawn::Left& left) {
  const Run* run = runs_.find(who);
  if (run == nullptr) return;
  around_.log.warning("left app={} instance={} processes=\"{}\"", run->spec()->app.name,
                      routing::instance_name(who), text(left.processes));
}

}  // namespace gracevisor::supervise
