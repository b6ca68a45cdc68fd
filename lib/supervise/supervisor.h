// The control plane: connects the apps' decisions with the world, the listeners and the workers.
//
// Everything that happens (exits, probe results, timers, commands) is enqueued and acted upon in turns; a
// turn ends with at most one published table. Commands come from the control API, reports go back to it.
//
// How it ends: decide/shutdown.h.
// Thread: the supervisor's, which is the main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "decide/boot_queue.h"
#include "decide/descriptor_budget.h"
#include "decide/failure_book.h"
#include "decide/shutdown.h"
#include "loop/wakeup.h"
#include "supervise/file_access.h"
#include "supervise/listener_book.h"
#include "supervise/publisher.h"
#include "supervise/shortage_watch.h"
#include "supervise/snapshot.h"
#include "supervise/socket_check.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

class Supervisor {
 public:
  struct Settings {
    std::filesystem::path config_file;
    config::Config config;
    bool fresh = false;                       // ignore the state files
    std::optional<std::uint64_t> open_files;  // the soft RLIMIT_NOFILE that children get
    std::uint64_t descriptor_limit = decide::DescriptorBudget::kNoLimit;  // the daemon's own
    std::function<base::Expected<void>()> ensure_runtime_dir;             // see World::Surroundings
    FileAccess files = {};                                                // how the apps' files are read
    std::string state_id;                                                 // what processes carry as GV_STATE
  };
  Supervisor(loop::Loop& loop, base::Log& log, output::Writer& writer, const spawn::Launcher& launcher,
             Settings settings, std::vector<WorkerLink> workers);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  // Opens the listeners (an error here means that nothing was started), then starts every app that should
  // run: the generation that was live before, or a first one from the configuration. An app that cannot start
  // does not keep the others from starting. On return the first have been started; the others follow while
  // the loop turns, and their clients wait.
  [[nodiscard]] base::Expected<void> boot();
  // A worker rang: look at the marks, ledgers and reports again. Loop thread.
  void look();
  // Checks whether the Unix sockets of instances are still there, and replaces instances that can no longer
  // be reached. True when something is missing: look again in a few seconds.
  bool look_at_sockets();
  // The next step towards the end; `on_over` runs when nothing is left to wait for.
  void shut_down();
  void on_over(std::function<void()> over) { over_ = std::move(over); }

  // Commands; the report is finished when the command is done. deploy and a first start read the files again.
  [[nodiscard]] std::expected<void, decide::Refused> deploy(const std::string& name,
                                                            const std::shared_ptr<decide::Report>& report);
  [[nodiscard]] std::expected<void, decide::Refused> start(const std::string& name,
                                                           const std::shared_ptr<decide::Report>& report);
  // Lasts until a start or a deploy, across restarts of the daemon.
  [[nodiscard]] std::expected<void, decide::Refused> stop(const std::string& name, const spec::Stopped& by,
                                                          bool now, std::shared_ptr<decide::Report> report);
  [[nodiscard]] std::expected<void, decide::Refused> abort(const std::string& name, uid_t by,
                                                           std::shared_ptr<decide::Report> report);
  [[nodiscard]] std::shared_ptr<decide::Report> new_report() const;

  // Everything that it knows, and what it knows of one app; unset: there is none of that name.
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::optional<AppSnapshot> snapshot(const std::string& name) const;
  // What an app has written; null: there is none of that name.
  [[nodiscard]] AppOutput* output(const std::string& name);
  [[nodiscard]] decide::DescriptorBudget budget() const;
  // Is it a process that will be reaped as an instance's?
  [[nodiscard]] bool owns(base::Pid pid) const { return world_->owns(pid); }

 private:
  // Listeners as a spec needs them; they come into force when it goes live.
  struct PendingListeners {
    spec::SpecRef spec;
    std::unique_ptr<ListenerBook::Opened> opened;
    std::vector<std::string> changes;  // for the receipt
  };
  // An address from which a deploy takes something, or to which it adds something.
  struct Touched {
    std::string address;
    std::shared_ptr<const routing::ListenerLedger> ledger;
  };
  // What is known of one app besides its decider.
  struct AppEntry {
    std::unique_ptr<decide::App> app;
    std::optional<PendingListeners> listeners;
    std::optional<spec::AppState> remembered;  // what to start it with, until its turn at boot comes
    config::App configured;                    // as the files said when it was last read
    std::vector<config::Listener> configured_listeners;  // and its listeners
    std::vector<std::string> problems;                   // standing remarks for status
    std::vector<std::string> hints;    // what the next report says about the configuration read
    std::vector<Touched> touched;      // by its last deploy
    bool held = false;                 // the newest table lists what a cut-back would restore
    std::vector<std::string> missing;  // addresses at which it should be reached but is not
  };

  [[nodiscard]] AppSnapshot snapshot_of(const AppEntry& entry) const;
  [[nodiscard]] const AppEntry* find_app(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> remarks() const;
  void turn();
  void schedule_turn();
  void read_reports();
  void read_failures();
  void notice_quiescence();
  void notice_adoption();
  void publish();
  void commit_listeners();
  // listeners_at_work.cpp
  [[nodiscard]] static Face face(const AppEntry& entry);
  void follow_listeners();
  void notice_missing();
  void retry_missing();
  // Requires: entry.listeners.
  [[nodiscard]] static bool is_to_come(const AppEntry& entry);
  [[nodiscard]] base::Expected<std::unique_ptr<ListenerBook::Opened>> open_sound(
      const config::Listener& listener) const;
  [[nodiscard]] base::Expected<void> open_at_boot();
  void settle_remembered(AppEntry& entry);
  // The apps other than `entry` that use the listener: "b, c".
  [[nodiscard]] std::string others_at(const AppEntry* entry, const std::string& listener) const;
  // What a deploy of `configured` changes in its listeners, and what it leaves for the next start.
  struct ListenerPlan {
    std::vector<config::Listener> listeners;
    std::vector<std::string> changes;  // for the receipt
    std::vector<std::string> left;     // standing remarks
  };
  [[nodiscard]] std::expected<ListenerPlan, decide::Refused> plan_listeners(
      const AppEntry* entry, const config::App& configured, const config::Config& config) const;
  void note_touched(AppEntry& entry, const spec::Spec& next) const;
  void follow_shutdown();
  void carry_out(const decide::Shutdown::Steps& steps);
  void begin_closing();
  void begin_stopping(bool now, bool kill);
  [[nodiscard]] bool idle() const;

  void enqueue_boot(const config::App& configured, std::map<std::string, spec::AppState>& states);
  void continue_boot();
  // Its turn has come, or a command concerns it: from then on it is like any other.
  void boot_app(AppEntry& entry);
  void boot_now(const std::string& name);
  void give_up_boot();
  void start_configured(AppEntry& entry);
  // From the configuration if the record can no longer be started.
  void start_remembered(AppEntry& entry, const spec::AppState& state);
  void note_differences(AppEntry& entry, const spec::AppState& state);
  void tell_hints(AppEntry& entry, decide::Report& report);
  AppEntry& add_app(const config::App& configured, base::GenerationId last_generation);
  [[nodiscard]] AppEntry* entry_of(const std::string& name);
  [[nodiscard]] std::expected<AppEntry*, decide::Refused> prepare(const std::string& name);
  // The budget with `next`, if given, and with `addresses` more addresses to listen on.
  [[nodiscard]] decide::DescriptorBudget budget_with(const config::App* next, std::size_t addresses) const;

  loop::Loop& loop_;
  base::Log& log_;
  Settings settings_;
  std::size_t workers_;
  std::size_t addresses_ = 0;  // in the newest table
  ShortageWatch shortages_;
  Publisher publisher_;
  ListenerBook listeners_;
  std::map<std::string, std::string> open_errors_;  // by listener: why it could not be opened
  std::unique_ptr<World> world_;
  std::map<base::AppId, AppEntry> apps_;
  base::AppId last_app_;
  base::Epoch adopted_;  // by all workers, as last told to the apps
  SocketCheck socket_check_;
  decide::FailureBook failures_;
  decide::BootQueue boot_queue_;
  std::unique_ptr<loop::Wakeup> boot_bell_;  // rung between two slices
  loop::Timer turn_timer_;
  loop::Timer slow_timer_;  // covers a lost ring while something is awaited from the workers
  loop::Timer shutdown_timer_;
  loop::Timer missing_timer_;  // retries addresses that could not be opened
  decide::Shutdown shutdown_;
  std::function<void()> over_;
};

}  // namespace gracevisor::supervise
