// The daemon as a whole: proxy workers, supervisor, writer and control API, composed and run on the calling
// thread, which becomes the supervisor's. Construction follows the order of the members; destruction is the
// reverse.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "below_keeper.h"
#include "config/load.h"
#include "control/runtime_folder.h"
#include "control/server.h"
#include "control_api.h"
#include "descriptors.h"
#include "keeper_side.h"
#include "log_compressor.h"
#include "loop/signals.h"
#include "loop/timer.h"
#include "loop/wakeup.h"
#include "output/writer.h"
#include "own_log.h"
#include "pid_file.h"
#include "proxy/accept_group.h"
#include "proxy/worker.h"
#include "spawn/launcher.h"
#include "supervise/supervisor.h"
#include "takeover.h"
#include "upgrade.h"

namespace gracevisor::daemon {

// What the keeper calls gv-exec's file, and the locks.
inline constexpr const char* kHeldLauncher = "exec";
inline constexpr const char* kHeldRuntimeLock = "lock/runtime";
inline constexpr const char* kHeldStateLock = "lock/state";
// A cleaner of temporary files may come at any time.
inline constexpr base::Duration kLookAtFolder = std::chrono::minutes(1);

class Daemon {
 public:
  struct Settings {
    std::filesystem::path config_file;
    config::Config config;
    bool fresh = false;
    bool safe = false;               // as supervise::Supervisor::Settings has it
    bool background = false;         // nobody reads standard error
    std::filesystem::path pid_file;  // empty: none
    OpenFiles files;
  };
  // Everything up to the listeners; an error names what is missing and leaves nothing behind.
  [[nodiscard]] static base::Expected<std::unique_ptr<Daemon>> create(const Settings& settings, Found found);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  // As a signal would; before run().
  void stop();
  // Runs until it was told to stop and everything has ended. Returns the exit status.
  [[nodiscard]] int run();

 private:
  Daemon(spawn::Launcher launcher, control::RuntimeFolder folder, const config::DaemonLog& log,
         output::FilePolicy log_file);
  [[nodiscard]] base::Expected<void> start_writer(const std::filesystem::path& state_dir);
  [[nodiscard]] base::Expected<void> start_workers();
  [[nodiscard]] base::Expected<void> watch_signals();
  [[nodiscard]] base::Expected<void> serve_control(const control::AccessPolicy& policy);
  // Checks that the runtime folder is there and ours; makes it again if it was removed.
  [[nodiscard]] base::Expected<void> hold_folder();
  void hold_locks();
  void give_up_unclaimed();
  void say_ready();
  [[nodiscard]] base::Expected<void> write_pid_file();
  void claim_cgroups(const std::string& state_id);
  void start_supervisor(std::vector<supervise::KeptChild> kept, bool successor, const std::string& state_id);
  // `channel`: a successor's.
  [[nodiscard]] base::Expected<void> prepare_succession(bool successor, base::UniqueFd channel);
  // It is the owner of what the keeper has, and acts: from the start, or as a successor from its commit on.
  [[nodiscard]] base::Expected<void> begin_to_own();
  void own_as_successor();
  void act(bool acts);
  void name_holder(const control::InstanceLock& lock);
  void on_superseded();
  void on_daemon_ended(const keeper::Daemon& daemon);
  // The same for its content. Once a minute, and when an operator asks for it (SIGUSR1).
  void look_after_folder();
  void on_signal(int number);
  void on_keeper_gone();
  void upgrade();
  void adjust_log(const config::DaemonLog& log);
  void tend_own_log(const config::DaemonLog& log);
  // Another daemon rotates it.
  void leave_log_unrotated();
  void log_line(std::string_view line);
  void tell_dropped_lines();

  spawn::Launcher launcher_;
  control::RuntimeFolder folder_;
  std::string folder_problem_;  // as last logged
  std::optional<control::InstanceLock> state_lock_;
  base::PathRules rules_;              // for what it writes
  std::filesystem::path default_log_;  // empty: standard error
  std::shared_ptr<OwnLog> own_log_;
  base::Log log_;
  std::uint64_t dropped_lines_ = 0;  // as last logged
  std::unique_ptr<loop::Loop> loop_;
  std::vector<std::unique_ptr<routing::WorkerPort>> ports_;
  std::unique_ptr<output::Writer> writer_;  // takes the access logs out of the ports
  std::unique_ptr<loop::Timer> dropped_timer_;
  std::unique_ptr<KeeperSide> keeper_;
  process::CgroupHome cgroups_;
  std::unique_ptr<LogCompressor> compressor_;
  std::unique_ptr<loop::Wakeup> bell_;  // rung by the workers
  std::unique_ptr<proxy::AcceptGroup> accept_group_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::unique_ptr<supervise::Supervisor> supervisor_;
  std::unique_ptr<Takeover> takeover_;  // null: it was not started as a successor
  std::unique_ptr<Upgrade> upgrade_;
  std::unique_ptr<ControlApi> api_;
  std::unique_ptr<control::Server> server_;
  std::unique_ptr<loop::Timer> folder_timer_;
  std::unique_ptr<loop::Signals> signals_;
  std::optional<PidFile> pid_file_;
  Settings settings_;
  bool restarted_ = false;  // its keeper had another daemon before
  bool acts_ = false;
  bool stop_asked_ = false;  // before it was known to be the owner
  bool keeper_gone_ = false;
  bool ran_ = false;
  int status_ = 0;
};

}  // namespace gracevisor::daemon
