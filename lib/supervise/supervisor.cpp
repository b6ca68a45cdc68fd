#include "supervise/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

#include "supervise/table_input.h"

namespace gracevisor::supervise {
namespace {
constexpr base::Duration kSlowLook = std::chrono::milliseconds(250);

std::vector<const routing::WorkerPort*> ports_of(const std::vector<WorkerLink>& workers) {
  std::vector<const routing::WorkerPort*> ports;
  ports.reserve(workers.size());
  for (const WorkerLink& worker : workers) ports.push_back(worker.port);
  return ports;
}

}  // namespace

Supervisor::Supervisor(loop::Loop& loop, base::Log& log, output::Writer& writer, process::Parent& parent,
                       base::Holder* holder, Settings settings, std::vector<WorkerLink> workers)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      workers_(workers.size()),
      ports_(ports_of(workers)),
      shortages_(ports_),
      publisher_(std::move(workers)),
      listeners_(workers_, holder),
      events_([this] { schedule_turn(); }),
      configuration_(log, writer, holder),
      accept_timer_(loop, [this] { accept(); }),
      next_turn_(loop, [this] { turn(); }),
      slow_timer_(loop, [this] { turn(); }),
      shutdown_timer_(loop, [this] { carry_out(shutdown_.expired()); }),
      missing_timer_(loop, [this] { retry_missing(); }) {
  World::Surroundings around{loop,
                             log,
                             writer,
                             parent,
                             settings_.cgroups,
                             holder,
                             publisher_,
                             events_,
                             workers_,
                             settings_.config.daemon.state_dir,
                             settings_.state_id,
                             settings_.config.daemon.runtime_dir,
                             settings_.config.daemon.port_range,
                             settings_.open_files,
                             [this](base::AppId id) { return decider(id); },
                             settings_.ensure_runtime_dir,
                             [this] { schedule_turn(); },
                             settings_.config.daemon.max_starts,
                             [this](base::AppId id, decide::AppCounts& counts) {
                               auto it = apps_.find(id);
                               if (it == apps_.end()) return;
                               for (const Touched& one : it->second.touched) {
                                 counts.touched += (counts.touched.empty() ? "" : ", ") + one.address;
                                 counts.own_answers += one.ledger->own_answers();
                               }
                             }};
  world_ = std::make_unique<World>(std::move(around));
  if (settings_.predecessor) predecessor_ = std::make_unique<Predecessor>(Predecessor::Send());
  publisher_.also_used([this](const Identity& who) { return predecessor_ && predecessor_->may_touch(who); });
}

Supervisor::~Supervisor() = default;

base::TimePoint Supervisor::now() const {
  return world_->knowledge().now();
}

decide::App* Supervisor::decider(base::AppId id) {
  auto it = apps_.find(id);
  return it == apps_.end() ? nullptr : it->second.app.get();
}

void Supervisor::schedule_turn() {
  next_turn_.ask();
}

void Supervisor::look() {
  schedule_turn();
}

// What processes, timers, the writer and the workers do reaches the apps here, in one of two ways. Commands,
// the boot's slices, the shutdown and the looks at sockets act at once, and a turn follows them.
void Supervisor::turn() {
  if (standing_ != Standing::owner) return turn_without_acting();
  // Queued: what happens once. Callbacks add it as it comes: events of processes, due timers, spawns that
  // were refused, records that were written or not.
  events_.run([this](base::AppId id) { return decider(id); });
  // Polled: the state of the workers. It is looked at anew each turn, so that a ring of theirs may be lost or
  // repeated. (supervisor_polls.cpp)
  read_reports();       // mailboxes: what the probes found
  read_shortages();     // tallies: what a worker had too little of
  read_failures();      // mailboxes and tallies: requests that failed
  notice_quiescence();  // marks, then leases
  notice_adoption();    // marks
  follow_listeners();   // marks, then connections
  follow_predecessor();
  let_go_held_back();
  world_->grant_starts();
  if (!boot_queue_.waiting().empty()) boot_bell_->ring();
  if (!accepting_ && reattached_serve()) accept();
  // What follows from both: at most one table, and the end of what no table refers to any more.
  if (world_->take_dirty()) publish();
  world_->sweep();
  if (world_->keep_record() && observation_) observation_->watch(world_->main_processes());
  world_->keep_slots();
  keep_configuration();
  publisher_.drop_passed_tables();
  forget_removed();
  advance_reload();
  follow_shutdown();
  if (awaits_others()) {
    slow_timer_.start(kSlowLook);
  } else {
    slow_timer_.stop();
  }
}

void Supervisor::publish() {
  commit_listeners();
  const base::Epoch epoch = publisher_.next_epoch();
  listeners_.settle(listener_users(), {epoch, now()});
  world_->tend_access_logs(listeners_.in_force());
  TableInput input{.listeners = {}, .closing = shutdown_.begun()};
  if (accepting_) input.listeners = listeners_.listed();
  addresses_ = input.listeners.size();
  input.room = budget().room();
  for (const auto& [id, entry] : apps_) {
    follow_settings(*entry.app, world_->runs());
    input.apps.push_back(table_app(*entry.app, *face(entry).config, *world_, publisher_));
  }
  auto table = build_table(std::move(input));
  note_listed(*table, epoch, world_->runs());
  if (predecessor_) table->predecessor = predecessor_->clients();
  publisher_.publish(std::move(table));
  if (predecessor_) predecessor_->follow(*publisher_.newest(), now());
  notice_missing();
}

std::vector<ListenerUser> Supervisor::listener_users() {
  std::vector<ListenerUser> users;
  for (AppEntry* entry : in_order_of_claims()) {
    ListenerUser& user = users.emplace_back(ListenerUser{entry->app->id(), face(*entry)});
    const decide::Generation* fallback = entry->app->fallback();
    entry->held = fallback != nullptr;
    if (entry->held) user.former = {&fallback->spec()->app, &fallback->spec()->listeners};
  }
  return users;
}

// Of two apps with one route, which the files cannot say but a reload may lead through, the one that serves
// has it.
std::vector<AppEntry*> Supervisor::in_order_of_claims() {
  std::vector<AppEntry*> entries;
  for (const bool serving : {true, false}) {
    for (auto& [id, entry] : apps_) {
      if ((entry.app->mode() == routing::AppMode::live) == serving) entries.push_back(&entry);
    }
  }
  return entries;
}

// A changed listener belongs to the cutover: it comes into force with the generation that was deployed with
// it, and is forgotten with one that failed.
void Supervisor::commit_listeners() {
  for (auto& [id, entry] : apps_) {
    if (!entry.listeners) continue;
    const decide::Generation* live = entry.app->live();
    if (live != nullptr && live->spec() == entry.listeners->spec) {
      listeners_.commit(std::move(entry.listeners->opened));
      entry.listeners.reset();
    }
  }
}

// Is it already live, and so listed by the next table, or still being deployed?
bool Supervisor::is_to_come(const AppEntry& entry) {
  const decide::Generation* live = entry.app->live();
  return (live != nullptr && live->spec() == entry.listeners->spec) || !entry.app->can_deploy();
}

std::shared_ptr<decide::Report> Supervisor::new_report(decide::Command command) const {
  return std::make_shared<decide::Report>(now(), std::move(command));
}

const AppEntry* Supervisor::find_app(const std::string& name) const {
  for (const auto& [id, entry] : apps_) {
    if (entry.app->name() == name) return &entry;
  }
  return nullptr;
}

AppEntry* Supervisor::entry_of(const std::string& name) {
  for (auto& [id, entry] : apps_) {
    if (entry.app->name() == name) return &entry;
  }
  return nullptr;
}

bool Supervisor::look_at_sockets() {
  if (shutdown_.begun() || standing_ != Standing::owner) return false;
  for (auto& [id, entry] : apps_) {
    for (const Identity& who : socket_check_.check(*entry.app, *world_)) {
      entry.app->replace(who, "its socket was removed");
    }
  }
  schedule_turn();
  return socket_check_.anything_missing();
}

}  // namespace gracevisor::supervise
