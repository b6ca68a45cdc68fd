#include "daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/one_line.h"
#include "base/standard_error.h"
#include "config/socket_path.h"
#include "control/socket_file.h"
#include "daemon_folders.h"
#include "exit_status.h"
#include "lock_wait.h"
#include "signals.h"
#include "spec/state_id.h"
#include "supervise/open_address.h"
#include "supervise/sink_policy.h"

namespace gracevisor::daemon {
namespace {

// `otherwise`: where it goes if it has no file; empty: to standard error.
output::FilePolicy policy_of(const config::DaemonLog& log, const std::filesystem::path& otherwise) {
  if (const auto sink = config::log_sink(log.file)) return supervise::sink_policy(*sink);
  return {.path = log.file.empty() ? otherwise : std::filesystem::path(log.file),
          .max_size = log.max_size,
          .keep = log.keep};
}

std::filesystem::path default_log(const Daemon::Settings& settings) {
  return settings.background ? settings.config.daemon.state_dir / "log" / "gracevisord.log"
                             : std::filesystem::path();
}

// How long the daemon of this configuration may take to end.
base::Duration patience_for_another(const config::Config& config) {
  std::vector<const config::App*> apps;
  apps.reserve(config.apps.size());
  for (const config::App& app : config.apps) apps.push_back(&app);
  return config::shutdown_timeout(config.daemon, apps);
}

constexpr base::Duration kTellDropped = std::chrono::seconds(10);
constexpr base::Millis kUpgradeWaits = std::chrono::minutes(5);

// gv-exec: the one that the former daemon of this keeper had, since an installation may have replaced the
// file; or, also for a successor, the one beside this program, or where it is installed.
base::Expected<spawn::Launcher> open_launcher(const Found& found) {
  if (base::UniqueFd held = copy_of(found, kHeldLauncher); held && !found.successor())
    return spawn::Launcher::of(std::move(held));
  std::error_code code;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return base::fail_errno("cannot read /proc/self/exe", code.value());
  return spawn::Launcher::open(spawn::helper_places(self, GV_EXEC_FROM_DAEMON));
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
  daemon->settings_ = settings;
  daemon->default_log_ = default_log(settings);
  // The owner rotates.
  if (found.successor()) daemon->leave_log_unrotated();
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

  daemon->restarted_ = found.restarted();
  const bool successor = found.successor();
  base::UniqueFd channel = std::move(found.channel);
  std::vector<supervise::KeptChild> kept = kept_children(found);
  auto keeper = KeeperSide::create(*daemon->loop_, daemon->log_, std::move(found), daemon->launcher_,
                                   [d = daemon.get()] { d->on_keeper_gone(); });
  if (!keeper) return std::unexpected(keeper.error());
  daemon->keeper_ = std::move(*keeper);
  daemon->claim_cgroups(id->text);
  daemon->compressor_ = std::make_unique<LogCompressor>(*daemon->loop_, daemon->keeper_->parent(),
                                                        [d = daemon.get()] { return d->acts_; });
  daemon->writer_->on_compress([d = daemon.get()](output::Compression what, auto done) {
    d->compressor_->compress(std::move(what), std::move(done));
  });
  if (successor) daemon->writer_->tend_old_files(false);
  // Whatever fails from here on, the listeners are the next daemon's.
  if (daemon->restarted_) daemon->keeper_->held().leave_to_others(true);
  if (!successor) {
    if (daemon->restarted_) daemon->keeper_->tell_restart(settings.safe);
    daemon->hold_locks();
  }
  if (auto started = daemon->start_workers(); !started) return std::unexpected(started.error());
  daemon->start_supervisor(std::move(kept), successor, id->text);
  if (auto prepared = daemon->prepare_succession(successor, std::move(channel)); !prepared)
    return std::unexpected(prepared.error());
  if (auto watched = daemon->watch_signals(); !watched) return std::unexpected(watched.error());
  if (auto served = daemon->serve_control(policy); !served) return std::unexpected(served.error());
  if (successor) daemon->server_->pause();
  // Last, since nothing may fail once processes run.
  if (auto booted = daemon->supervisor_->boot(); !booted) return std::unexpected(booted.error());
  if (successor) return daemon;
  if (auto owns = daemon->begin_to_own(); !owns) return std::unexpected(owns.error());
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
  if (takeover_) takeover_->say(line);
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
  tend_own_log(log);
}

// What holds for its old files, and which sink it has.
void Daemon::tend_own_log(const config::DaemonLog& log) {
  const output::FilePolicy& file = own_log_->file();
  std::vector<output::FilePolicy> sinks;
  if (file.sink != output::SinkKind::file) sinks.push_back(file);
  writer_->use_sinks({}, sinks);
  output::LogUpkeep upkeep{{}, {}, log.max_age, log.total_size, log.compress};
  upkeep.add(file);
  writer_->keep(std::move(upkeep));
}

void Daemon::leave_log_unrotated() {
  output::FilePolicy file = own_log_->file();
  file.max_size = 0;
  own_log_->set_file(std::move(file));
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
  tend_own_log(settings_.config.daemon.log);
  return {};
}

base::Expected<void> Daemon::start_workers() {
  auto bell = loop::Wakeup::create(*loop_, [this] {
    if (supervisor_) supervisor_->look();
    if (upgrade_) upgrade_->look();
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

void Daemon::start_supervisor(std::vector<supervise::KeptChild> kept, bool successor,
                              const std::string& state_id) {
  std::vector<supervise::WorkerLink> links;
  links.reserve(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i)
    links.push_back({ports_[i].get(), [worker = workers_[i].get()] { worker->wake(); }});
  supervisor_ = std::make_unique<supervise::Supervisor>(
      *loop_, log_, *writer_, keeper_->parent(), &keeper_->held(),
      supervise::Supervisor::Settings{
          .config_file = settings_.config_file,
          .config = settings_.config,
          .fresh = settings_.fresh,
          .restarted = restarted_,
          .kept = std::move(kept),
          .successor = successor,
          .predecessor = keeper_->predecessor() != 0,
          .safe = settings_.safe,
          .cgroups = &cgroups_,
          .open_files = settings_.files.for_children,
          .descriptor_limit = settings_.files.limit,
          .ensure_runtime_dir = [this] { return hold_folder(); },
          .files = supervise::FileAccess(rules_.trust, &launcher_,
                                         config::sockets_folder(settings_.config.daemon.runtime_dir).string(),
                                         &cgroups_),
          .state_id = state_id,
          .check_log =
              [this](const config::DaemonLog& log) {
                return check_log_file(policy_of(log, default_log_), rules_, *loop_);
              },
          .adjust_log = [this](const config::DaemonLog& log) { adjust_log(log); }},
      std::move(links));
  supervisor_->on_closing([this] {
    keeper_->stopping();
    keeper_->end_predecessor();
  });
  supervisor_->on_over([this] { loop_->stop(); });
}

void Daemon::claim_cgroups(const std::string& state_id) {
  cgroups_ = settings_.config.daemon.cgroups ? process::CgroupHome::claim(state_id, keeper_->parent().pid())
                                             : process::CgroupHome("[daemon] cgroups = false");
  if (cgroups_.exists()) {
    // What the kernel kills for lack of memory can then be told, whether or not an app has a limit.
    (void)cgroups_.need(process::Controller::memory);
    log_.info("cgroups in={}", cgroups_.folder());
  } else {
    log_.info("cgroups none=\"{}\"", base::quotable(cgroups_.why_none()));
  }
}

base::Expected<void> Daemon::watch_signals() {
  auto signals = loop::Signals::create(*loop_, kHeard, [this](int number) { on_signal(number); });
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  return {};
}

base::Expected<void> Daemon::serve_control(const control::AccessPolicy& policy) {
  api_ = std::make_unique<ControlApi>(*loop_, *writer_, *supervisor_, own_log_, keeper_->status(), *upgrade_);
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
    case SIGUSR2: upgrade(); return;
    default: return;
  }
}

// As `gvctl upgrade --wait`; what becomes of it is in the log.
void Daemon::upgrade() {
  const auto taken = upgrade_->upgrade({.to = {}, .wait = true, .timeout = kUpgradeWaits},
                                       supervisor_->new_report({"upgrade"}));
  if (!taken) log_.warning("upgrade-failed cause=\"{}\"", base::quotable(taken.error().why));
}

void Daemon::stop() {
  if (takeover_ && !takeover_->owner()) {
    stop_asked_ = true;
    return;
  }
  if (!upgrade_->stop()) supervisor_->shut_down();
}

// Its apps cannot be replaced any more, and would be nobody's once this daemon ended without them.
void Daemon::on_keeper_gone() {
  status_ = kFailed;
  keeper_gone_ = true;
  if (upgrade_) upgrade_->on_keeper_gone();
  if (acts_) {
    supervisor_->shut_down();
  } else if (takeover_ && !takeover_->owner()) {
    loop_->stop();
  }
}

int Daemon::run() {
  ran_ = true;
  loop_->run();
  return status_;
}

Daemon::~Daemon() {
  // One that never ran leaves it to its keeper to end with the same status.
  if (pid_file_ && ran_) pid_file_->remove();
  if (keeper_ && ran_ && acts_) cgroups_.give_up(keeper_gone_ ? 0 : keeper_->parent().pid());
  if (keeper_ && ran_) keeper_->end(status_);
  if (keeper_) keeper_->link().close();
  folder_timer_.reset();
  server_.reset();
  api_.reset();
  upgrade_.reset();
  takeover_.reset();
  for (auto& worker : workers_) worker->finish();
  for (auto& worker : workers_) {
    if (worker->join() != 0) log_.error("shutdown cause=\"a worker left an event source open\"");
  }
  workers_.clear();
  accept_group_.reset();
  supervisor_.reset();
  signals_.reset();
  compressor_.reset();
  keeper_.reset();
  bell_.reset();
  dropped_timer_.reset();
  writer_.reset();
  if (loop_ && loop_->close() != 0) log_.error("shutdown cause=\"an event source was left open\"");
}

}  // namespace gracevisor::daemon
