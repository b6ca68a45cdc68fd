#include "supervise/supervisor.h"

#include <fmt/format.h>

#include "supervise/table.h"

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

Supervisor::Supervisor(loop::Loop& loop, base::Log& log, output::Writer& writer,
                       const spawn::Launcher& launcher, Settings settings, std::vector<WorkerLink> workers)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      workers_(workers.size()),
      shortages_(ports_of(workers)),
      publisher_(std::move(workers)),
      listeners_(workers_),
      turn_timer_(loop, [this] { turn(); }),
      slow_timer_(loop, [this] { turn(); }),
      shutdown_timer_(loop, [this] { carry_out(shutdown_.expired()); }),
      missing_timer_(loop, [this] { retry_missing(); }) {
  World::Surroundings around{loop,
                             log,
                             writer,
                             launcher,
                             publisher_,
                             workers_,
                             settings_.config.daemon.state_dir,
                             settings_.state_id,
                             settings_.config.daemon.runtime_dir,
                             settings_.config.daemon.port_range,
                             settings_.open_files,
                             [this](base::AppId id) {
                               auto it = apps_.find(id);
                               return it == apps_.end() ? nullptr : it->second.app.get();
                             },
                             settings_.ensure_runtime_dir,
                             [this] { schedule_turn(); },
                             [this](base::AppId id, decide::AppCounts& counts) {
                               auto it = apps_.find(id);
                               if (it == apps_.end()) return;
                               for (const Touched& one : it->second.touched) {
                                 counts.touched += (counts.touched.empty() ? "" : ", ") + one.address;
                                 counts.own_answers += one.ledger->own_answers();
                               }
                             }};
  world_ = std::make_unique<World>(std::move(around));
}

Supervisor::~Supervisor() = default;

void Supervisor::schedule_turn() {
  if (!turn_timer_.running()) turn_timer_.start(base::Duration::zero());
}

void Supervisor::look() {
  turn();
}

void Supervisor::turn() {
  world_->run_events();
  read_reports();
  if (shortages_.look(world_->now())) shortages_.tell(world_->now(), budget(), log_);
  read_failures();
  notice_quiescence();
  notice_adoption();
  follow_listeners();
  if (world_->take_dirty()) publish();
  world_->sweep();
  world_->hint_at_slow_streams();
  world_->keep_record();
  publisher_.drop_passed_tables();
  follow_shutdown();
  bool waiting = publisher_.tables_kept() > 1 || adopted_ < publisher_.epoch() ||
                 publisher_.entered_by_all() < publisher_.epoch() || listeners_.leaving() ||
                 shutdown_.begun() || failures_.waiting(world_->now());
  if (waiting) {
    slow_timer_.start(kSlowLook);
  } else {
    slow_timer_.stop();
  }
}

void Supervisor::read_reports() {
  // All letters are read first, then acted upon: acting on one may end other runs.
  std::vector<std::pair<Identity, std::unique_ptr<routing::ProbeReport>>> reports;
  for (const auto& [who, run] : world_->runs()) {
    if (auto report = run->fetch_report()) reports.emplace_back(who, std::move(report));
  }
  for (auto& [who, report] : reports) {
    auto it = apps_.find(who.app);
    if (it != apps_.end()) it->second.app->on_probe(who, *report);
  }
}

void Supervisor::read_failures() {
  base::TimePoint now = world_->now();
  bool any = failures_.look(publisher_.failures(), now);
  if (!any && !failures_.waiting(now)) return;
  for (auto& [id, entry] : apps_) {
    if (auto letter = any ? world_->ledger(id)->last_failure.take() : nullptr) failures_.note(id, *letter);
    auto line = failures_.take_line(id, entry.app->name(), world_->counts(id).failed, now);
    if (line) log_.write(base::LogLevel::warning, *line);
  }
}

void Supervisor::notice_quiescence() {
  std::vector<Identity> draining;
  for (const auto& [id, entry] : apps_) entry.app->add_draining(draining);
  // All quiescent ones are collected first, then acted upon: acting on one may change others.
  std::erase_if(draining, [this](const Identity& who) {
    Run* run = world_->find_run(who);
    return run != nullptr && run->endpoint() && !publisher_.quiescent(*run->endpoint(), run->listing());
  });
  for (const Identity& who : draining) apps_.at(who.app).app->on_quiescent(who);
}

void Supervisor::notice_adoption() {
  base::Epoch adopted = publisher_.adopted_by_all();
  if (adopted <= adopted_) return;
  adopted_ = adopted;
  for (auto& [id, entry] : apps_) entry.app->on_adopted(adopted);
}

void Supervisor::publish() {
  commit_listeners();
  std::vector<decide::App*> apps;
  std::vector<FacingApp> facing_apps;
  for (auto& [id, entry] : apps_) {
    apps.push_back(entry.app.get());
    Face now = face(entry);
    FacingApp& facing_app = facing_apps.emplace_back(FacingApp{id, now.config, now.listeners});
    const decide::Generation* fallback = entry.app->fallback();
    entry.held = fallback != nullptr;
    if (entry.held) facing_app.former = {&fallback->spec()->app, &fallback->spec()->listeners};
  }
  const base::Epoch epoch = publisher_.next_epoch();
  listeners_.settle(facing_apps, {epoch, world_->now()});
  set_probe_intervals(apps, *world_);
  auto table = build_table({apps, facing_apps, *world_, publisher_, listeners_.listed(), shutdown_.begun()});
  note_listed(*table, epoch, *world_);
  addresses_ = table->listeners.size();
  table->room = budget().room();
  publisher_.publish(std::move(table));
  notice_missing();
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

std::shared_ptr<decide::Report> Supervisor::new_report() const {
  return std::make_shared<decide::Report>(world_->now());
}

const Supervisor::AppEntry* Supervisor::find_app(const std::string& name) const {
  for (const auto& [id, entry] : apps_) {
    if (entry.app->name() == name) return &entry;
  }
  return nullptr;
}

Supervisor::AppEntry* Supervisor::entry_of(const std::string& name) {
  for (auto& [id, entry] : apps_) {
    if (entry.app->name() == name) return &entry;
  }
  return nullptr;
}

bool Supervisor::look_at_sockets() {
  if (shutdown_.begun()) return false;
  for (auto& [id, entry] : apps_) {
    for (const Identity& who : socket_check_.look(*entry.app, *world_)) {
      entry.app->replace(who, "its socket was removed");
    }
  }
  schedule_turn();
  return socket_check_.anything_missing();
}

bool Supervisor::idle() const {
  for (const auto& [who, run] : world_->runs()) {
    if (run->endpoint() && run->endpoint()->ledger.sum(&routing::LedgerCell::leases) != 0) return false;
  }
  for (const auto& [id, entry] : apps_) {
    for (const routing::AppCell& cell : world_->ledger(id)->cells) {
      if (cell.waiting.read() != 0) return false;
    }
  }
  return true;
}

void Supervisor::shut_down() {
  carry_out(shutdown_.stop());
}

void Supervisor::follow_shutdown() {
  if (!shutdown_.begun()) return;
  bool ended = world_->over();
  for (const auto& [id, entry] : apps_) ended = ended && entry.app->ended();
  carry_out(shutdown_.look({.closed = publisher_.entered_by_all() >= publisher_.epoch(),
                            .idle = idle(),
                            .ended = ended,
                            .unsent = publisher_.unsent()}));
}

void Supervisor::carry_out(const decide::Shutdown::Steps& steps) {
  using Step = decide::Shutdown::Step;
  for (Step step : steps) {
    switch (step) {
      case Step::close: begin_closing(); break;
      case Step::end_listeners: listeners_.end_all(); break;
      case Step::drain: begin_stopping(false, false); break;
      case Step::signal: begin_stopping(true, false); break;
      case Step::kill: begin_stopping(true, true); break;
      case Step::finish:
        shutdown_timer_.stop();
        log_.info("shutdown stage=over");
        if (over_) over_();
        break;
    }
  }
}

void Supervisor::begin_closing() {
  log_.info("shutdown stage=closing timeout={}s", settings_.config.shutdown_timeout().count() / 1000);
  give_up_boot();
  for (auto& [id, entry] : apps_) entry.app->abort_deploy();
  (void)world_->publish();
  shutdown_timer_.start(settings_.config.shutdown_timeout());
}

void Supervisor::begin_stopping(bool now, bool kill) {
  log_.info("shutdown stage=stopping now={} kill={}", now, kill);
  if (now) world_->close_endpoints();
  for (auto& [id, entry] : apps_) entry.app->shut_down(now, kill);
  shutdown_timer_.start(kill ? std::chrono::seconds(10) : settings_.config.shutdown_timeout());
  schedule_turn();
}

}  // namespace gracevisor::supervise
