#include "daemon.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "signals.h"
#include "supervise/state_id.h"

namespace gracevisor::daemon {
namespace {

// The CPUs that this process may run on.
std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

// The proxy needs descriptors: soft becomes hard. Children get the soft limit that was in force before, which
// is returned (programs that loop over all descriptors crawl at a million).
std::optional<std::uint64_t> raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  std::uint64_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return before;
}

base::Expected<void> make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return base::fail_errno("cannot create " + folder.string(), code.value());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return base::fail_errno("cannot write to " + folder.string(), errno);
  }
  return {};
}

// Two daemons with one state folder would end each other's processes and write over each other's records;
// none when the folder cannot be written to, as nothing can be written over then.
base::Expected<std::optional<control::InstanceLock>> lock_state(const std::filesystem::path& state_dir) {
  auto lock = control::InstanceLock::acquire(state_dir, "state.lock");
  if (lock) return std::optional(std::move(*lock));
  if (lock.error().code == EROFS) return std::nullopt;
  return std::unexpected(lock.error());
}

// gv-exec, beside this program or where it is installed.
base::Expected<spawn::Launcher> open_launcher() {
  std::error_code code;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return base::fail_errno("cannot read /proc/self/exe", code.value());
  return spawn::Launcher::open(spawn::helper_places(self, GV_EXEC_FROM_DAEMON));
}

}  // namespace

base::Expected<std::unique_ptr<Daemon>> Daemon::create(const Settings& settings) {
  const config::Daemon& config = settings.config.daemon;
  auto launcher = open_launcher();
  if (!launcher) return std::unexpected(launcher.error());
  control::AccessPolicy policy = control::access_policy(config.operator_group);
  if (auto made = control::prepare_runtime_folder(config.runtime_dir, policy); !made) {
    return std::unexpected(made.error());
  }
  auto lock = control::InstanceLock::acquire(config.runtime_dir);
  if (!lock) return std::unexpected(lock.error());
  for (const auto& folder : {config.state_dir, config.state_dir / "apps", config.state_dir / "log"}) {
    if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  }
  auto state_lock = lock_state(config.state_dir);
  if (!state_lock) return std::unexpected(state_lock.error());
  auto id = supervise::state_id(config.state_dir);
  if (!id) return std::unexpected(id.error());
  auto log = base::Log::open(config.log.file, config.log.level, config.log.max_size, config.log.keep);
  if (!log) return std::unexpected(log.error());
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(*launcher), std::move(*lock), std::move(*log)));
  daemon->state_lock_ = std::move(*state_lock);
  if (!id->problem.empty()) daemon->log_.warning("state cause=\"{}\"", id->problem);

  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  daemon->loop_ = std::move(*loop);
  std::size_t workers = config.workers != 0 ? config.workers : usable_cpus();
  for (std::size_t i = 0; i < workers; ++i) daemon->ports_.push_back(std::make_unique<routing::WorkerPort>());
  if (auto started = daemon->start_writer(); !started) return std::unexpected(started.error());

  std::optional<std::uint64_t> open_files = raise_open_files();
  if (auto started = daemon->start_workers(); !started) return std::unexpected(started.error());
  std::vector<supervise::WorkerLink> links;
  links.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    links.push_back({daemon->ports_[i].get(), [worker = daemon->workers_[i].get()] { worker->wake(); }});
  }
  daemon->supervisor_ = std::make_unique<supervise::Supervisor>(
      *daemon->loop_, daemon->log_, *daemon->writer_, daemon->launcher_,
      supervise::Supervisor::Settings{settings.config_file, settings.config, settings.fresh, open_files,
                                      id->text},
      std::move(links));
  daemon->supervisor_->on_over([d = daemon.get()] { d->loop_->stop(); });
  if (auto watched = daemon->watch_signals(); !watched) return std::unexpected(watched.error());
  if (auto served = daemon->serve_control(config.runtime_dir, policy); !served)
    return std::unexpected(served.error());
  // Last, since nothing may fail once processes run.
  if (auto booted = daemon->supervisor_->boot(); !booted) return std::unexpected(booted.error());
  daemon->log_.info("ready version={} workers={} apps={} config={}", GV_VERSION, workers,
                    settings.config.apps.size(), settings.config_file.string());
  return daemon;
}

base::Expected<void> Daemon::start_writer() {
  std::vector<routing::AccessLane*> lanes;
  lanes.reserve(ports_.size());
  for (auto& port : ports_) lanes.push_back(&port->access);
  auto writer = output::Writer::start(*loop_, std::move(lanes));
  if (!writer) return std::unexpected(writer.error());
  writer_ = std::move(*writer);
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
  auto orphans = supervise::OrphanReaper::create(
      *loop_, [this](base::Pid pid) { return supervisor_->world().owns(pid); });
  if (!orphans) return std::unexpected(orphans.error());
  orphans_ = std::move(*orphans);
  return {};
}

base::Expected<void> Daemon::serve_control(const std::filesystem::path& runtime_dir,
                                           const control::AccessPolicy& policy) {
  api_ = std::make_unique<ControlApi>(*supervisor_, [this] { supervisor_->shut_down(); });
  auto server = control::Server::open(*loop_, (runtime_dir / "gracevisor.sock").string(), policy, *api_);
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

void Daemon::on_signal(int number) {
  switch (number) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT: supervisor_->shut_down(); return;
    case SIGUSR1: writer_->reopen(); return;
    case SIGHUP:
      log_.warning("signal name=HUP cause=\"no reload in this version: gvctl deploy APP reads the files\"");
      return;
    case SIGUSR2: log_.warning("signal name=USR2 cause=\"upgrade is not in this version\""); return;
    default: return;
  }
}

void Daemon::run() {
  SignalsHeard heard;
  loop_->run();
}

Daemon::~Daemon() {
  server_.reset();
  api_.reset();
  for (auto& worker : workers_) worker->finish();
  for (auto& worker : workers_) {
    if (worker->join() != 0) log_.error("shutdown cause=\"a worker left an event source open\"");
  }
  workers_.clear();
  accept_group_.reset();
  orphans_.reset();
  supervisor_.reset();
  signals_.reset();
  bell_.reset();
  writer_.reset();
  if (loop_ && loop_->close() != 0) log_.error("shutdown cause=\"an event source was left open\"");
}

}  // namespace gracevisor::daemon
