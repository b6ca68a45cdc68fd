#include "daemon.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace gracevisor::daemon {
namespace {

// A cleaner of temporary files may come at any time.
constexpr base::Duration kLookAtFolder = std::chrono::minutes(1);
constexpr base::Duration kLookAgain = std::chrono::seconds(5);

base::Expected<void> make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return base::fail_errno("cannot create " + folder.string(), code.value());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return base::fail_errno("cannot write to " + folder.string(), errno);
  }
  return {};
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
  auto folder_of_run = control::RuntimeFolder::take(config.runtime_dir, policy);
  if (!folder_of_run) return std::unexpected(folder_of_run.error());
  for (const auto& folder : {config.state_dir, config.state_dir / "apps", config.state_dir / "log"}) {
    if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  }
  auto log = base::Log::open(config.log.file, config.log.level, config.log.max_size, config.log.keep);
  if (!log) return std::unexpected(log.error());
  std::unique_ptr<Daemon> daemon(
      new Daemon(std::move(*launcher), std::move(*folder_of_run), std::move(*log)));

  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  daemon->loop_ = std::move(*loop);
  std::size_t workers = worker_count(config);
  for (std::size_t i = 0; i < workers; ++i) daemon->ports_.push_back(std::make_unique<routing::WorkerPort>());
  if (auto started = daemon->start_writer(); !started) return std::unexpected(started.error());

  if (auto started = daemon->start_workers(); !started) return std::unexpected(started.error());
  std::vector<supervise::WorkerLink> links;
  links.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    links.push_back({daemon->ports_[i].get(), [worker = daemon->workers_[i].get()] { worker->wake(); }});
  }
  daemon->supervisor_ = std::make_unique<supervise::Supervisor>(
      *daemon->loop_, daemon->log_, *daemon->writer_, daemon->launcher_,
      supervise::Supervisor::Settings{settings.config_file, settings.config, settings.fresh,
                                      settings.files.for_children, settings.files.limit,
                                      [d = daemon.get()] { return d->hold_folder(); }},
      std::move(links));
  daemon->supervisor_->on_over([d = daemon.get()] { d->loop_->stop(); });
  if (auto watched = daemon->watch_signals(); !watched) return std::unexpected(watched.error());
  if (auto served = daemon->serve_control(policy); !served) return std::unexpected(served.error());
  // Last, since nothing may fail once processes run.
  if (auto booted = daemon->supervisor_->boot(); !booted) return std::unexpected(booted.error());
  supervise::DescriptorBudget budget = daemon->supervisor_->budget();
  daemon->log_.info("descriptors limit={} need={} clients={} control={}", budget.limit(), budget.need(),
                    budget.clients(), budget.control());
  if (!budget.enough()) daemon->log_.warning("descriptors cause=\"{}\"", budget.shortfall());
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
  auto signals = loop::Signals::create(*loop_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1},
                                       [this](int number) { on_signal(number); });
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  auto orphans = supervise::OrphanReaper::create(
      *loop_, [this](base::Pid pid) { return supervisor_->world().owns(pid); });
  if (!orphans) return std::unexpected(orphans.error());
  orphans_ = std::move(*orphans);
  return {};
}

base::Expected<void> Daemon::serve_control(const control::AccessPolicy& policy) {
  api_ = std::make_unique<ControlApi>(*supervisor_, [this] { supervisor_->shut_down(); });
  auto server = control::Server::open(*loop_, (folder_.path() / "gracevisor.sock").string(), policy, *api_);
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
    log_.warning("runtime-dir path={} cause=\"it was removed: made again\"", folder_.path().string());
    if (folder_timer_) folder_timer_->start(base::Duration::zero());  // what was in it
  }
  return {};
}

void Daemon::look_after_folder() {
  folder_timer_->start(kLookAtFolder);
  if (!hold_folder()) return;
  auto renewed = server_->renew_socket();
  if (!renewed) {
    log_.error("control cause=\"{}\"", renewed.error().what);
  } else if (*renewed) {
    log_.warning("control path={}/gracevisor.sock cause=\"it was removed: bound again\"",
                 folder_.path().string());
  }
  server_->admit(control::Admission(supervisor_->budget().control()));
  bool missing = supervisor_->look_at_sockets();
  folder_timer_->start(missing ? kLookAgain : kLookAtFolder);
}

void Daemon::on_signal(int number) {
  switch (number) {
    case SIGTERM:
    case SIGINT: supervisor_->shut_down(); return;
    case SIGUSR1:
      writer_->reopen();
      look_after_folder();
      return;
    case SIGHUP:
      log_.warning("signal name=HUP cause=\"no reload in this version: gvctl deploy APP reads the files\"");
      return;
    default: return;
  }
}

void Daemon::run() {
  loop_->run();
}

Daemon::~Daemon() {
  folder_timer_.reset();
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
