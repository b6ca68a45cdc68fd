#include "supervise/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "decide/fact_log.h"
#include "inspect/listener_owner.h"

namespace gracevisor::supervise {
namespace {
constexpr std::size_t kEventsPerTurn = 10'000;
constexpr base::Duration kHintPause = std::chrono::hours(1);
}  // namespace

World::World(Surroundings around)
    : around_(std::move(around)),
      ports_(around_.ports),
      sockets_(around_.runtime_dir),
      looker_(around_.loop) {
  around_.writer.on_room([this] { resume_outputs(); });
}

World::~World() {
  around_.writer.on_room({});
}

void World::resume_outputs() {
  for (auto& [who, run] : runs_) run->resume_output();
}

void World::add_app(base::AppId app, const config::App& config) {
  AppFacts& facts = apps_[app];
  facts.ledger = std::make_shared<routing::AppLedger>(around_.workers);
  auto alive = [this, app](base::GenerationId generation) {
    const decide::App* decider = around_.find_app(app);
    return decider != nullptr && decider->has(generation);
  };
  facts.output =
      std::make_unique<AppOutput>(around_.loop, around_.writer, around_.state_dir, config, std::move(alive));
}

void World::enqueue(base::AppId app, Event event) {
  events_.emplace_back(app, std::move(event));
  around_.schedule_turn();
}

void World::run_events() {
  for (std::size_t i = 0; i < kEventsPerTurn && !events_.empty(); ++i) {
    auto [id, event] = std::move(events_.front());
    events_.pop_front();
    if (decide::App* app = around_.find_app(id)) event(*app);
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
    give_back(run);
    it = runs_.erase(it);
    record_stale_ = true;
  }
  sockets_.close_listening([this](const Identity& slot) { return is_over(slot); });
}

// Logs why an app that converses with its client during the request hears nothing: once an hour.
void World::hint_at_slow_streams() {
  for (auto& [id, facts] : apps_) {
    std::uint64_t count = 0;
    for (const routing::AppCell& cell : facts.ledger->cells) count += cell.slow_streams.read();
    if (count == facts.slow_streams) continue;
    facts.slow_streams = count;
    const decide::App* app = around_.find_app(id);
    if (app == nullptr || (facts.hinted && now() - *facts.hinted < kHintPause)) continue;
    facts.hinted = now();
    say(base::LogLevel::warning,
        fmt::format(
            "slow-stream app={} cause=\"a request in chunks has not ended within 5 s, and no instance has "
            "it yet\" hint=\"proxy_options.request_buffer = 0 for an app that answers while it reads\"",
            app->name()));
  }
}

void World::give_back(const Run& run) {
  if (!run.endpoint()) return;
  switch (run.spec()->app.endpoint) {
    case config::EndpointKind::port: ports_.give_back(run.endpoint()->address.port()); return;
    case config::EndpointKind::socket: sockets_.give_back(run.endpoint()->address); return;
    case config::EndpointKind::fd:  // the slot's
    case config::EndpointKind::none: return;
  }
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

bool World::socket_in_place(const Identity& who) const {
  const Run* run = find_run(who);
  return run == nullptr || !run->endpoint() || sockets_.in_place(run->endpoint()->address);
}

std::ranges::subrange<World::Runs::const_iterator> World::runs_of(base::AppId app) const {
  Identity first;
  first.app = app;
  Identity next;
  next.app = app.next();
  return {runs_.lower_bound(first), runs_.lower_bound(next)};
}

const std::shared_ptr<routing::AppLedger>& World::ledger(base::AppId app) const {
  return apps_.at(app).ledger;
}
void World::set_user(base::AppId app, const std::optional<spawn::Credentials>& who) {
  AppFacts& facts = apps_.at(app);
  facts.user = who ? around_.writer.user(*who) : nullptr;
  facts.output->set_user(facts.user);
}

const spawn::Credentials* World::user(base::AppId app) const {
  return apps_.at(app).user;
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

void World::refuse_spawn(const Identity& who, const spec::Spec& spec, const spawn::SpawnFailed& failure,
                         const std::string& why) {
  say(base::LogLevel::error, fmt::format("spawn-failed app={} instance={} cause=\"{}\"", spec.app.name,
                                         routing::instance_name(who), why));
  output(who.app).note(who, "cannot start: " + why);
  output(who.app).end(who);
  enqueue(who.app, [who, failure](decide::App& app) {
    app.on(who, spawn::Ended{failure});
    app.on(who, spawn::Gone{});
  });
}

base::Expected<World::Place> World::find_place(const Identity& who, const spec::Spec& spec) {
  Place place{{who.generation, who.slot, {}, {}, around_.state_id}, std::nullopt};
  auto at = [&place](const base::Address& address) {
    place.address = address;
    place.placement.port = address.port();
    if (address.is_unix()) place.placement.socket = address.text().substr(5);
  };
  bool has_socket =
      spec.app.endpoint == config::EndpointKind::socket || spec.app.endpoint == config::EndpointKind::fd;
  if (has_socket && around_.ensure_runtime_dir) {
    if (auto there = around_.ensure_runtime_dir(); !there) return std::unexpected(there.error());
  }
  switch (spec.app.endpoint) {
    case config::EndpointKind::port: {
      auto port = ports_.lease();
      if (!port) return std::unexpected(port.error());
      at(base::Address::tcp_loopback(*port));
      return place;
    }
    case config::EndpointKind::socket: {
      auto address = sockets_.lease(who, spec);
      if (!address) return std::unexpected(address.error());
      at(*address);
      return place;
    }
    case config::EndpointKind::fd: {
      auto listening = sockets_.listening(who, spec);
      if (!listening) return std::unexpected(listening.error());
      at(listening->address);
      place.listener = listening->fd;
      return place;
    }
    case config::EndpointKind::none: return place;
  }
  return place;
}

void World::spawn(const Identity& who, const spec::SpecRef& spec) {
  output(who.app).begin(who, spec->app.log);
  auto place = find_place(who, *spec);
  if (!place) {
    int code = place.error().code;
    refuse_spawn(who, *spec, {spawn::SpawnStage::endpoint, code != 0 ? code : EADDRNOTAVAIL},
                 place.error().what);
    return;
  }
  RunObserver& observer = *this;  // private inheritance: only visible from inside
  auto owned = std::make_unique<Run>(who, spec, place->address, around_.workers, observer);
  Run& run = *owned;
  runs_.emplace(who, std::move(owned));
  auto spawn_plan = plan(*spec, place->placement);
  if (!spawn_plan) {
    refuse_spawn(who, *spec, {spawn::SpawnStage::plan, EINVAL}, spawn_plan.error().what);
    return;
  }
  spawn_plan->open_files = around_.open_files;
  spawn_plan->listener = place->listener;
  if (auto started = run.start({around_.loop, around_.launcher, looker_}, *spawn_plan); !started) {
    refuse_spawn(who, *spec, started.error(), text(spawn::ExitStatus(started.error())));
  }
  record_stale_ = true;
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
  // Due timers enqueue like everything else; a timer that was disarmed or rearmed meanwhile is recognised by
  // its serial and never acts.
  auto timer = std::make_unique<loop::Timer>(around_.loop, [this, key, serial, app, event] {
    enqueue(app, [this, key, serial, event](decide::App& target) {
      auto it = timers_.find(key);
      if (it == timers_.end() || it->second.serial != serial) return;
      timers_.erase(it);
      event(target);
    });
  });
  timer->start(after);
  timers_[key] = Armed{std::move(timer), serial};
}

void World::arm(const Identity& who, decide::InstanceTimer timer, base::Duration after) {
  arm_key({who, false, static_cast<std::uint8_t>(timer)}, after,
          [who, timer](decide::App& app) { app.on_timer(who, timer); });
}

void World::disarm(const Identity& who, decide::InstanceTimer timer) {
  timers_.erase({who, false, static_cast<std::uint8_t>(timer)});
}

void World::arm(base::AppId app, decide::AppTimer timer, base::Duration after) {
  Identity who;
  who.app = app;
  arm_key({who, true, static_cast<std::uint8_t>(timer)}, after,
          [timer](decide::App& target) { target.on_timer(timer); });
}

void World::disarm(base::AppId app, decide::AppTimer timer) {
  Identity who;
  who.app = app;
  timers_.erase({who, true, static_cast<std::uint8_t>(timer)});
}

base::Epoch World::publish() {
  dirty_ = true;
  around_.schedule_turn();
  return around_.publisher.next_epoch();
}

void World::close_endpoint(const Identity& who) {
  if (Run* run = find_run(who)) run->listing().closing = true;
}

void World::close_endpoints() {
  for (auto& [who, run] : runs_) run->listing().closing = true;
}

void World::open_window(base::AppId app) {
  ++apps_.at(app).window;
  (void)publish();
}

void World::record(base::AppId app, const spec::AppState& state, std::uint64_t serial) {
  around_.writer.replace(
      spec::state_path(around_.state_dir, state.app), to_text(state),
      [this, app, serial](base::Expected<void> written) {
        enqueue(app, [serial, written](decide::App& target) { target.on_recorded(serial, written); });
      });
}

decide::ListenerOwner World::listener_owner(const Identity& who) {
  const Run* run = find_run(who);
  if (run == nullptr || !run->endpoint() || run->pid() == base::Pid()) return {};
  // The daemon's own socket: any process that answers on it was given it.
  if (run->spec()->app.endpoint == config::EndpointKind::fd) return {decide::Ownership::own, {}, {}};
  return inspect::find_listener_owner(run->endpoint()->address, run->pid());
}

decide::EndpointCounts World::counts(const Identity& who) const {
  const Run* run = find_run(who);
  if (run == nullptr || !run->endpoint()) return {};
  const routing::Ledger& ledger = run->endpoint()->ledger;
  return {.in_flight = ledger.sum(&routing::LedgerCell::leases),
          .tunnels = ledger.sum(&routing::LedgerCell::tunnels),
          .requests = ledger.sum(&routing::LedgerCell::requests),
          .server_errors = ledger.sum(&routing::LedgerCell::server_errors),
          .cut = ledger.sum(&routing::LedgerCell::cut)};
}

decide::AppCounts World::counts(base::AppId app) const {
  const AppFacts& facts = apps_.at(app);
  decide::AppCounts sum;
  for (const routing::AppCell& cell : facts.ledger->cells) {
    sum.requests += cell.requests.read();
    sum.failed += cell.failed.read();
    sum.retried += cell.retried.read();
    sum.repaired += cell.repaired.read();
    if (cell.window.read() != facts.window) continue;
    sum.slowest = std::max<base::Duration>(sum.slowest, std::chrono::microseconds(cell.slowest_us.read()));
    sum.slowest_body =
        std::max<base::Duration>(sum.slowest_body, std::chrono::microseconds(cell.slowest_body_us.read()));
  }
  around_.count_touched(app, sum);
  return sum;
}

std::string World::place(const Identity& who) const {
  const Run* run = find_run(who);
  if (run == nullptr) return "gone";
  std::string place = run->place();
  return fmt::format("pid {}{}{}", run->pid().value(), place.empty() ? "" : " ", place);
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

void World::tell(const decide::Fact& fact) {
  if (auto line = decide::log_text(fact)) say(line->level, line->text);
}

void World::on_output(const Identity& who, process::OutputStream stream, std::string_view bytes) {
  output(who.app).take(who, stream, bytes);
}

bool World::takes_output(const Identity& who, process::OutputStream stream) {
  return output(who.app).takes(who, stream);
}

void World::on(const Identity& who, const spawn::ProcessEvent& event) {
  if (std::holds_alternative<spawn::Ended>(event)) output(who.app).flush(who);
  if (std::holds_alternative<spawn::Gone>(event)) output(who.app).end(who);
  if (const auto* left = std::get_if<spawn::Left>(&event)) tell_left(who, *left);
  enqueue(who.app, [who, event](decide::App& app) { app.on(who, event); });
}

void World::tell_left(const Identity& who, const spawn::Left& left) {
  const Run* run = find_run(who);
  if (run == nullptr) return;
  say(base::LogLevel::warning, fmt::format("left app={} instance={} processes=\"{}\"", run->spec()->app.name,
                                           routing::instance_name(who), text(left.processes)));
}

}  // namespace gracevisor::supervise
