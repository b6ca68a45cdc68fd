#include "supervise/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace gracevisor::supervise {
namespace {
constexpr std::size_t kEventsPerTurn = 10'000;
}

World::World(Surroundings around) : around_(std::move(around)), ports_(around_.ports) {}

World::~World() = default;

void World::add_app(base::AppId app, const config::App& config) {
  AppFacts& facts = apps_[app];
  facts.ledger = std::make_shared<routing::AppLedger>(around_.workers);
  facts.output = std::make_unique<AppOutput>(around_.loop, around_.writer, around_.state_dir, config);
}

void World::enqueue(base::AppId app, Event event) {
  events_.emplace_back(app, std::move(event));
  around_.schedule_turn();
}

void World::run_events() {
  for (std::size_t i = 0; i < kEventsPerTurn && !events_.empty(); ++i) {
    auto [id, event] = std::move(events_.front());
    events_.pop_front();
    if (App* app = around_.find_app(id)) event(*app);
  }
  if (!events_.empty()) around_.schedule_turn();
}

void World::sweep() {
  for (auto it = runs_.begin(); it != runs_.end();) {
    Run& run = *it->second;
    if (!run.released(around_.publisher)) {
      ++it;
      continue;
    }
    if (run.port() != base::Port()) ports_.give_back(run.port());
    it = runs_.erase(it);
  }
}

bool World::take_dirty() {
  return std::exchange(dirty_, false);
}

const Run* World::find_run(const Identity& who) const {
  auto it = runs_.find(who);
  return it == runs_.end() ? nullptr : it->second.get();
}

Run* World::find_run(const Identity& who) {
  auto it = runs_.find(who);
  return it == runs_.end() ? nullptr : it->second.get();
}

bool World::owns(base::Pid pid) const {
  return std::any_of(runs_.begin(), runs_.end(),
                     [pid](const auto& entry) { return entry.second->pid() == pid; });
}

const std::shared_ptr<routing::AppLedger>& World::ledger(base::AppId app) const {
  return apps_.at(app).ledger;
}
std::uint64_t World::window(base::AppId app) const {
  return apps_.at(app).window;
}
AppOutput& World::output(base::AppId app) {
  return *apps_.at(app).output;
}

base::TimePoint World::now() const {
  return std::chrono::steady_clock::now();
}

void World::refuse_spawn(const Identity& who, const SpawnFailed& failure, const std::string& why) {
  say(base::LogLevel::error, fmt::format("spawn-failed app={} instance={}.{} cause=\"{}\"", who.app.value(),
                                         who.generation.value(), who.slot.value(), why));
  output(who.app).note(who, "cannot start: " + why);
  enqueue(who.app, [who, failure](App& app) {
    app.on_exited(who, ExitStatus(failure));
    app.on_gone(who);
  });
}

void World::spawn(const Identity& who, const SpecRef& spec) {
  base::Port port;
  if (spec->app.endpoint == config::EndpointKind::port) {
    auto leased = ports_.lease();
    if (!leased) {
      refuse_spawn(who, {SpawnStage::plan, EADDRNOTAVAIL}, leased.error().what);
      return;
    }
    port = *leased;
  }
  RunObserver& observer = *this;  // private inheritance: only visible from inside
  auto owned = std::make_unique<Run>(who, spec, port, around_.workers, observer);
  Run& run = *owned;
  runs_.emplace(who, std::move(owned));
  auto spawn_plan = plan(*spec, {who.generation, who.slot, port});
  if (!spawn_plan) {
    refuse_spawn(who, {SpawnStage::plan, EINVAL}, spawn_plan.error().what);
    return;
  }
  spawn_plan->open_files = around_.open_files;
  if (auto started = run.start(around_.loop, *spawn_plan); !started) {
    refuse_spawn(who, started.error(), text(ExitStatus(started.error())));
  }
}

void World::signal(const Identity& who, int number, config::Stop::Scope scope) {
  if (Run* run = find_run(who)) run->signal(number, scope);
}

void World::kill_tree(const Identity& who) {
  if (Run* run = find_run(who)) run->kill_tree();
}

void World::arm_key(const TimerKey& key, base::Duration after, const Event& event) {
  std::uint64_t serial = ++timer_serial_;
  base::AppId app = key.who.app;
  // Due timers enqueue like everything else; one that was disarmed or armed anew meanwhile is recognised by
  // its serial and never acts.
  auto timer = std::make_unique<loop::Timer>(around_.loop, [this, key, serial, app, event] {
    enqueue(app, [this, key, serial, event](App& target) {
      auto it = timers_.find(key);
      if (it == timers_.end() || it->second.serial != serial) return;
      timers_.erase(it);
      event(target);
    });
  });
  timer->start(after);
  timers_[key] = Armed{std::move(timer), serial};
}

void World::arm(const Identity& who, InstanceTimer timer, base::Duration after) {
  arm_key({who, false, static_cast<std::uint8_t>(timer)}, after,
          [who, timer](App& app) { app.on_timer(who, timer); });
}

void World::disarm(const Identity& who, InstanceTimer timer) {
  timers_.erase({who, false, static_cast<std::uint8_t>(timer)});
}

void World::arm(base::AppId app, AppTimer timer, base::Duration after) {
  Identity who;
  who.app = app;
  arm_key({who, true, static_cast<std::uint8_t>(timer)}, after,
          [timer](App& target) { target.on_timer(timer); });
}

void World::disarm(base::AppId app, AppTimer timer) {
  Identity who;
  who.app = app;
  timers_.erase({who, true, static_cast<std::uint8_t>(timer)});
}

base::Epoch World::publish() {
  dirty_ = true;
  around_.schedule_turn();
  return around_.publisher.next_epoch();
}

void World::open_window(base::AppId app) {
  ++apps_.at(app).window;
  (void)publish();
}

void World::record(base::AppId app, const AppState& state, std::uint64_t serial) {
  around_.writer.replace(state_path(around_.state_dir, state.app), to_text(state),
                         [this, app, serial](base::Expected<void> written) {
                           enqueue(app,
                                   [serial, written](App& target) { target.on_recorded(serial, written); });
                         });
}

ListenerOwner World::listener_owner(const Identity& who) {
  const Run* run = find_run(who);
  if (run == nullptr || run->port() == base::Port() || run->pid() == base::Pid()) return {};
  return find_listener_owner(run->port(), run->pid());
}

EndpointCounts World::counts(const Identity& who) const {
  const Run* run = find_run(who);
  if (run == nullptr || !run->endpoint()) return {};
  const routing::Ledger& ledger = run->endpoint()->ledger;
  return {ledger.sum(&routing::LedgerCell::leases), ledger.sum(&routing::LedgerCell::requests),
          ledger.sum(&routing::LedgerCell::server_errors), ledger.sum(&routing::LedgerCell::cut)};
}

AppCounts World::counts(base::AppId app) const {
  const AppFacts& facts = apps_.at(app);
  AppCounts sum;
  for (const routing::AppCell& cell : facts.ledger->cells) {
    sum.requests += cell.requests.read();
    sum.failed += cell.failed.read();
    sum.retried += cell.retried.read();
    if (cell.window.read() != facts.window) continue;
    sum.slowest = std::max<base::Duration>(sum.slowest, std::chrono::microseconds(cell.slowest_us.read()));
  }
  return sum;
}

std::string World::place(const Identity& who) const {
  const Run* run = find_run(who);
  if (run == nullptr) return "gone";
  std::string port = run->port() == base::Port() ? "" : fmt::format(" :{}", run->port().value());
  return fmt::format("pid {}{}", run->pid().value(), port);
}

std::vector<std::string> World::last_output(const Identity& who, std::size_t lines) const {
  return apps_.at(who.app).output->last(who, lines);
}

std::vector<std::size_t> World::late_workers() const {
  return around_.publisher.behind(around_.publisher.epoch());
}

void World::say(base::LogLevel level, const std::string& line) {
  around_.log.write(level, line);
}

void World::on_running(const Identity& who) {
  enqueue(who.app, [who](App& app) { app.on_running(who); });
}

void World::on_output(const Identity& who, OutputStream stream, std::string_view bytes) {
  output(who.app).take(who, stream, bytes);
}

void World::on_exited(const Identity& who, const ExitStatus& status) {
  output(who.app).flush(who);
  enqueue(who.app, [who, status](App& app) { app.on_exited(who, status); });
}

void World::on_gone(const Identity& who) {
  enqueue(who.app, [who](App& app) { app.on_gone(who); });
}

void World::on_unkillable(const Identity& who) {
  enqueue(who.app, [who](App& app) { app.on_unkillable(who); });
}

}  // namespace gracevisor::supervise
