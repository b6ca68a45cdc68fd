#include "daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/one_line.h"
#include "base/standard_error.h"
#include "control/socket_file.h"
#include "daemon_folders.h"
#include "exit_status.h"
#include "lock_wait.h"
#include "signals.h"
#include "spec/state_id.h"
#include "supervise/open_address.h"

namespace gracevisor::daemon {
namespace {

// A cleaner of temporary files may come at any time.
constexpr base::Duration kLookAtFolder = std::chrono::minutes(1);
constexpr base::Duration kLookAgain = std::chrono::seconds(5);

// `otherwise`: where it goes if it has no file; empty: to standard error.
output::FilePolicy policy_of(const config::DaemonLog& log, const std::filesystem::path& otherwise) {
  return {.path = log.file.empty() ? otherwise : std::filesystem::path(log.file),
          .max_size = log.max_size,
          .keep = log.keep};
}

std::filesystem::path default_log(const Daemon::Settings& settings) {
  return settings.background ? settings.config.daemon.state_dir / "log" / "gracevisord.log"
                             : std::filesystem::path();
}

// The keeper's names.
constexpr const char* kHeldRuntimeLock = "lock/runtime";
constexpr const char* kHeldStateLock = "lock/state";
constexpr const char* kHeldLauncher = "exec";

// How long the daemon of this configuration may take to end.
base::Duration patience_for_another(const config::Config& config) {
  std::vector<const config::App*> apps;
  apps.reserve(config.apps.size());
  for (const config::App& app : config.apps) apps.push_back(&app);
  return config::shutdown_timeout(config.daemon, apps);
}

constexpr base::Duration kTellDropped = std::chrono::seconds(10);

// gv-exec: the one that the former daemon of this keeper had, since an upgrade may have replaced the file; or
// beside this program, or where it is installed.
base::Expected<spawn::Launcher> open_launcher(const Found& found) {
  if (base::UniqueFd held = copy_of(found, kHeldLauncher)) return spawn::Launcher::of(std::move(held));
  std::error_code code;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return base::fail_errno("cannot read /proc/self/exe", code.value());
  return spawn::Launcher::open(spawn::helper_places(self, GV_EXEC_FROM_DAEMON));
}

// Where the daemon listens: "0.0.0.0:80, unix:/run/web.sock, and 12 more".
std::string addresses_text(const config::Config& config) {
  constexpr std::size_t kMost = 10;
  std::string text;
  std::size_t count = 0;
  for (const config::Listener& listener : config.listeners) {
    for (const base::Address& address : listener.addresses) {
      if (++count <= kMost) text += (text.empty() ? "" : ", ") + address.text();
    }
  }
  return count <= kMost ? text : fmt::format("{}, and {} more", text, count - kMost);
}

}  // namespace

base::Expected<std::unique_ptr<Daemon>> Daemon::create(const Settings& settings, Found found) {
  const config::Daemon& config = settings.config.daemon;
  auto launcher = open_launcher(found);
  if (!launcher) return std::unexpected(launcher.error());
  control::AccessPolicy policy = control::access_policy(config.operator_group);
  base::PathRules rules = own_rules(settings.config, policy);
  if (auto made = make_way(config.runtime_dir, rules); !made) return std::unexpected(made.error());
  LockWait wait(patience_for_another(settings.config));
  auto folder_of_run = wait.until_taken(config.runtime_dir / "lock", [&] {
    return control::RuntimeFolder::take(config.runtime_dir, policy, {}, copy_of(found, kHeldRuntimeLock));
  });
  if (!folder_of_run) return std::unexpected(folder_of_run.error());
  auto trouble = make_state_folders(config.state_dir, rules);
  if (!trouble) return std::unexpected(trouble.error());
  auto state_lock = wait.until_taken(config.state_dir / kStateLock, [&] {
    return lock_state(config.state_dir, copy_of(found, kHeldStateLock));
  });
  if (!state_lock) return std::unexpected(state_lock.error());
  auto id = spec::state_id(config.state_dir);
  if (!id) return std::unexpected(id.error());
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(*launcher), std::move(*folder_of_run), config.log,
                                            policy_of(config.log, default_log(settings))));
  daemon->default_log_ = default_log(settings);
  daemon->state_lock_ = std::move(*state_lock);
  daemon->rules_ = rules;

  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  daemon->loop_ = std::move(*loop);
  std::size_t workers = worker_count(config);
  for (std::size_t i = 0; i < workers; ++i) daemon->ports_.push_back(std::make_unique<routing::WorkerPort>());
  if (auto started = daemon->start_writer(config.state_dir); !started) {
    return std::unexpected(started.error());
  }
  if (!trouble->empty()) {
    daemon->log_.warning("state cause=\"{}\": what is live is served and nothing is recorded", *trouble);
  }
  if (!id->problem.empty()) daemon->log_.warning("state cause=\"{}\"", base::quotable(id->problem));

  const bool restarted = found.restarted();
  std::vector<supervise::KeptChild> kept = kept_children(found);
  auto keeper = KeeperSide::create(*daemon->loop_, daemon->log_, std::move(found), daemon->launcher_,
                                   [d = daemon.get()] { d->on_keeper_gone(); });
  if (!keeper) return std::unexpected(keeper.error());
  daemon->keeper_ = std::move(*keeper);
  // Whatever fails from here on, the listeners are the next daemon's.
  if (restarted) {
    daemon->keeper_->held().leave_to_others(true);
    daemon->keeper_->tell_restart(settings.safe);
  }
  daemon->hold_locks();
  if (auto started = daemon->start_workers(); !started) return std::unexpected(started.error());
  std::vector<supervise::WorkerLink> links;
  links.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    links.push_back({daemon->ports_[i].get(), [worker = daemon->workers_[i].get()] { worker->wake(); }});
  }
  daemon->supervisor_ = std::make_unique<supervise::Supervisor>(
      *daemon->loop_, daemon->log_, *daemon->writer_, daemon->keeper_->parent(), &daemon->keeper_->held(),
      supervise::Supervisor::Settings{
          .config_file = settings.config_file,
          .config = settings.config,
          .fresh = settings.fresh,
          .restarted = restarted,
          .kept = std::move(kept),
          .safe = settings.safe,
          .open_files = settings.files.for_children,
          .descriptor_limit = settings.files.limit,
          .ensure_runtime_dir = [d = daemon.get()] { return d->hold_folder(); },
          .files = supervise::FileAccess(rules.trust, &daemon->launcher_),
          .state_id = id->text,
          .check_log =
              [d = daemon.get()](const config::DaemonLog& log) {
                return check_log_file(policy_of(log, d->default_log_), d->rules_, *d->loop_);
              },
          .adjust_log = [d = daemon.get()](const config::DaemonLog& log) { d->adjust_log(log); }},
      std::move(links));
  daemon->supervisor_->on_closing([d = daemon.get()] { d->keeper_->stopping(); });
  daemon->supervisor_->on_over([d = daemon.get()] { d->loop_->stop(); });
  if (auto watched = daemon->watch_signals(); !watched) return std::unexpected(watched.error());
  if (auto served = daemon->serve_control(policy); !served) return std::unexpected(served.error());
  // Last, since nothing may fail once processes run.
  if (auto booted = daemon->supervisor_->boot(); !booted) return std::unexpected(booted.error());
  decide::DescriptorBudget budget = daemon->supervisor_->budget();
  daemon->log_.info("descriptors limit={} need={} clients={} control={}", budget.limit(), budget.need(),
                    budget.clients(), budget.control());
  if (!budget.enough()) daemon->log_.warning("descriptors cause=\"{}\"", budget.shortfall());
  daemon->log_.info("ready version={} workers={} apps={} config={} socket={} listeners=\"{}\"", GV_VERSION,
                    workers, settings.config.apps.size(), settings.config_file.string(),
                    control::socket_file(daemon->folder_.path()).string(), addresses_text(settings.config));
  if (restarted) daemon->give_up_unclaimed();
  if (!settings.pid_file.empty()) {
    auto written = PidFile::write(settings.pid_file, daemon->keeper_->parent().pid(), rules);
    if (!written) return std::unexpected(written.error());
    daemon->pid_file_ = std::move(*written);
  }
  daemon->keeper_->held().leave_to_others(false);
  if (!restarted) daemon->keeper_->held().hold(kHeldLauncher, daemon->launcher_.fd());
  daemon->keeper_->serving([d = daemon.get()] { return d->supervisor_->shutdown_timeout(); });
  return daemon;
}

Daemon::Daemon(spawn::Launcher launcher, control::RuntimeFolder folder, const config::DaemonLog& log,
               output::FilePolicy log_file)
    : launcher_(std::move(launcher)),
      folder_(std::move(folder)),
      own_log_(std::make_shared<OwnLog>(std::move(log_file))),
      log_(log.level, [this](std::string_view line) { log_line(line); }) {}

// Never waits for the log's reader: the writer's threads do. Before the writer starts and after it has ended,
// lines go to standard error.
void Daemon::log_line(std::string_view line) {
  own_log_->add(line);
  if (writer_) {
    writer_->append_now(own_log_->file(), line);
  } else {
    base::say_on_standard_error(line);
  }
}

void Daemon::tell_dropped_lines() {
  std::uint64_t dropped = writer_->dropped_lines();
  if (dropped != dropped_lines_) {
    log_.warning("log.dropped lines={} in_all={}", dropped - dropped_lines_, dropped);
    // The warning itself may be among the dropped lines.
    dropped_lines_ = dropped;
  }
  dropped_timer_->start(kTellDropped);
}

void Daemon::adjust_log(const config::DaemonLog& log) {
  own_log_->set_file(policy_of(log, default_log_));
  log_.set_level(log.level);
}

base::Expected<void> Daemon::start_writer(const std::filesystem::path& state_dir) {
  auto writable = check_log_file(own_log_->file(), rules_, *loop_);
  if (!writable) return std::unexpected(writable.error());
  std::vector<routing::AccessLane*> lanes;
  lanes.reserve(ports_.size());
  for (auto& port : ports_) lanes.push_back(&port->access);
  auto writer = output::Writer::start(
      *loop_, {.lanes = std::move(lanes), .reserve = state_dir, .opener = log_opener(rules_, &launcher_)});
  if (!writer) return std::unexpected(writer.error());
  writer_ = std::move(*writer);
  writer_->on_degraded([this](const std::string& path, const std::string& cause) {
    if (cause.empty()) {
      log_.info("log.restored path={}", path);
    } else {
      log_.warning("log.degraded path={} cause=\"{}\"", path, base::quotable(cause));
    }
  });
  dropped_timer_ = std::make_unique<loop::Timer>(*loop_, [this] { tell_dropped_lines(); });
  dropped_timer_->start(kTellDropped);
  return {};
}

base::Expected<void> Daemon::start_workers() {
  auto bell = loop::Wakeup::create(*loop_, [this] {
    if (supervisor_) supervisor_->look();
  });
  if (!bell) return std::unexpected(bell.error());
  bell_ = std::move(*bell);
  std::vector<const routing::WorkerPort*> ports;
  ports.reserve(ports_.size());
  for (auto& port : ports_) ports.push_back(port.get());
  auto group = proxy::AcceptGroup::create(ports);
  if (!group) return std::unexpected(group.error());
  accept_group_ = std::move(*group);
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    auto worker = proxy::Worker::start({base::WorkerIndex(static_cast<std::uint32_t>(i)), ports_.size(),
                                        [this] { writer_->wake(); }, accept_group_.get()},
                                       *ports_[i], [this] { bell_->ring(); });
    if (!worker) return std::unexpected(worker.error());
    workers_.push_back(std::move(*worker));
  }
  return {};
}

base::Expected<void> Daemon::watch_signals() {
  auto signals = loop::Signals::create(*loop_, kHeard, [this](int number) { on_signal(number); });
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  return {};
}

base::Expected<void> Daemon::serve_control(const control::AccessPolicy& policy) {
  api_ = std::make_unique<ControlApi>(*loop_, *writer_, *supervisor_, own_log_, keeper_->status());
  auto server = control::Server::open(*loop_, control::socket_file(folder_.path()).string(), policy, *api_,
                                      &keeper_->held());
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  server_->admit(control::Admission(supervisor_->budget().control()));
  server_->on_short([this](int code) {
    log_.warning("control cause=\"no descriptor for a connection: {}\"", base::errno_text(code));
  });
  folder_timer_ = std::make_unique<loop::Timer>(*loop_, [this] { look_after_folder(); });
  folder_timer_->start(kLookAtFolder);
  return {};
}

base::Expected<void> Daemon::hold_folder() {
  auto found = folder_.look();
  if (!found) {
    std::string problem = found.error().what;
    if (std::exchange(folder_problem_, problem) != problem) {
      log_.error("runtime-dir path={} cause=\"it was removed, and is not ours now: {}\"",
                 folder_.path().string(), problem);
    }
    return std::unexpected(found.error());
  }
  folder_problem_.clear();
  if (*found == control::RuntimeFolder::Found::renewed) {
    hold_locks();
    log_.warning("runtime-dir path={} cause=\"it was removed: made again\"", folder_.path().string());
    if (folder_timer_) folder_timer_->start(base::Duration::zero());  // what was in it
  }
  return {};
}

// The keeper has them too, so that no other daemon can come between this one and the next.
void Daemon::hold_locks() {
  keeper_->held().hold(kHeldRuntimeLock, folder_.lock().fd());
  if (state_lock_) keeper_->held().hold(kHeldStateLock, state_lock_->fd());
}

// Addresses of a deploy that was under way, or of an app that is not there any more.
void Daemon::give_up_unclaimed() {
  for (const char* kind : {"listen/", "fd/"}) {
    for (const auto& [name, socket] : keeper_->held().take_rest(kind)) {
      log_.info("given-up name=\"{}\"", name);
      supervise::end_listening(socket.get());
    }
  }
}

void Daemon::look_after_folder() {
  folder_timer_->start(kLookAtFolder);
  if (!hold_folder()) return;
  auto renewed = server_->renew_socket();
  if (!renewed) {
    log_.error("control cause=\"{}\"", base::quotable(renewed.error().what));
  } else if (*renewed) {
    log_.warning("control path={} cause=\"it was removed: bound again\"",
                 control::socket_file(folder_.path()).string());
  }
  server_->admit(control::Admission(supervisor_->budget().control()));
  bool missing = supervisor_->look_at_sockets();
  folder_timer_->start(missing ? kLookAgain : kLookAtFolder);
}

void Daemon::on_signal(int number) {
  switch (number) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT: stop(); return;
    case SIGUSR1:
      writer_->reopen();
      look_after_folder();
      return;
    case SIGHUP: supervisor_->reload_when_free(); return;
    case SIGUSR2: log_.warning("signal name=USR2 cause=\"upgrade is not in this version\""); return;
    default: return;
  }
}

void Daemon::stop() {
  supervisor_->shut_down();
}

// Its apps cannot be replaced any more, and would be nobody's once this daemon ended without them.
void Daemon::on_keeper_gone() {
  status_ = kFailed;
  supervisor_->shut_down();
}

int Daemon::run() {
  ran_ = true;
  loop_->run();
  return status_;
}

Daemon::~Daemon() {
  // One that never ran leaves it to its keeper to end with the same status.
  if (pid_file_ && ran_) pid_file_->remove();
  if (keeper_ && ran_) keeper_->end(status_);
  if (keeper_) keeper_->link().close();
  folder_timer_.reset();
  server_.reset();
  api_.reset();
  for (auto& worker : workers_) worker->finish();
  for (auto& worker : workers_) {
    if (worker->join() != 0) log_.error("shutdown cause=\"a worker left an event source open\"");
  }
  workers_.clear();
  accept_group_.reset();
  supervisor_.reset();
  signals_.reset();
  keeper_.reset();
  bell_.reset();
  dropped_timer_.reset();
  writer_.reset();
  if (loop_ && loop_->close() != 0) log_.error("shutdown cause=\"an event source was left open\"");
}

}  // namespace gracevisor::daemon
