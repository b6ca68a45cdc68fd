// The control plane: connects the apps' decisions with the world, the listeners and the workers.
//
// Events are acted upon in turns, whether they are queued (exits, timers) or polled (probe results, marks of
// the workers): Supervisor::turn() lists both. A turn publishes at most one table. Commands come from the
// control API, and reports go back to it.
//
// How it ends: decide/shutdown.h.
// Thread: the supervisor's, which is the main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/load.h"
#include "decide/boot_queue.h"
#include "decide/descriptor_budget.h"
#include "decide/failure_book.h"
#include "decide/shutdown.h"
#include "decide/slow_stream_hints.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "loop/wakeup.h"
#include "spec/config_check.h"
#include "supervise/app_entry.h"
#include "supervise/app_environment.h"
#include "supervise/app_folder.h"
#include "supervise/app_settings.h"
#include "supervise/configuration_keeping.h"
#include "supervise/departure.h"
#include "supervise/drift.h"
#include "supervise/event_queue.h"
#include "supervise/file_access.h"
#include "supervise/kept_child.h"
#include "supervise/listener_book.h"
#include "supervise/listener_changes.h"
#include "supervise/observation.h"
#include "supervise/predecessor.h"
#include "supervise/publisher.h"
#include "supervise/reload.h"
#include "supervise/shortage_watch.h"
#include "supervise/snapshot.h"
#include "supervise/socket_check.h"
#include "supervise/supervisor_settings.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

class Supervisor {
 public:
  using Settings = SupervisorSettings;
  // `holder`, which may be null: of what outlives the daemon.
  Supervisor(loop::Loop& loop, base::Log& log, output::Writer& writer, process::Parent& parent,
             base::Holder* holder, Settings settings, std::vector<WorkerLink> workers);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  // Opens the listeners (an error here means that nothing was started), then starts every app that should
  // run: the generation that was live before, or a first one from the configuration. An app that cannot start
  // does not keep the others from starting. On return the first apps have been started; the others follow
  // while the loop runs, and their clients wait.
  [[nodiscard]] base::Expected<void> boot();
  // A worker rang: the next turn looks at the marks, ledgers and reports again. Loop thread.
  void look();

  // An upgrade (succession.cpp). The successor boots beside the owner, and acts on nothing:
  //   Settings::successor: boot() --all is up: `ready`--> the keeper makes it the owner --own()--> acts
  //   the owner: freeze() --the successor failed: thaw()--> acts
  //                       --it is the owner now: depart()--> only finishes what its clients have begun
  // What an upgrade would have to wait for, in words; unset: nothing.
  [[nodiscard]] std::optional<std::string> in_the_way() const;
  // Does it look for what a former daemon left? That is over soon.
  [[nodiscard]] bool settling() const { return world_->ends_strangers(); }
  void on_ready(std::function<void()> ready) { ready_ = std::move(ready); }
  [[nodiscard]] succession::Reattached reattached() const;
  // `former`: the daemon that was the owner until now, null if it has ended; `accepts` runs when every worker
  // accepts.
  void own(std::unique_ptr<Predecessor> former, std::function<void()> accepts);
  [[nodiscard]] Predecessor* predecessor() { return predecessor_.get(); }
  void predecessor_ended();
  // What its processes write is read from now on.
  void read_on(const std::vector<succession::OutputRead::Rest>& unfinished) { world_->read_on(unfinished); }
  // Returns when everything that was to be recorded is on its way to the disk; `done` runs when it is there.
  void freeze(std::function<void()> done);
  void thaw();
  // Its last output, which is in the files when `read` runs. Then nothing of the supervisor acts any more.
  [[nodiscard]] std::unique_ptr<Departure> depart(base::Duration drain_timeout,
                                                  std::function<void(succession::OutputRead)> read,
                                                  std::function<void()> changed);
  // Checks whether the Unix sockets of instances are still there, and replaces instances that can no longer
  // be reached. True when something is missing: look again in a few seconds.
  bool look_at_sockets();
  // The next step towards the end; `on_over` runs when nothing is left to wait for. `report`, if it is not
  // null, gets every step from now on, and is finished just before.
  void shut_down(std::shared_ptr<decide::Report> report = nullptr);
  void on_over(std::function<void()> over) { over_ = std::move(over); }
  // Runs when the first step is taken.
  void on_closing(std::function<void()> closing) { closing_ = std::move(closing); }
  // How long that may take, as the apps are now.
  [[nodiscard]] base::Millis shutdown_timeout() const;
  // Runs for each app that is added, before anything of it is started; it must not call back but for what is
  // known.
  void on_new_app(std::function<void(const std::string& name)> added) { new_app_ = std::move(added); }

  // How many instances an app should have.
  struct Scale {
    enum class To : std::uint8_t { number, more, files } to = To::number;
    int instances = 0;  // to number; or how many more, which may be negative
  };

  // Commands; the report is finished when the command is done. deploy, and start for an app that does not
  // run, read the files again.
  [[nodiscard]] std::expected<void, decide::Refused> deploy(const std::string& name,
                                                            const std::shared_ptr<decide::Report>& report);
  enum class Freshness : std::uint8_t { as_files_say, as_it_was };
  [[nodiscard]] std::expected<void, decide::Refused> start(const std::string& name, Freshness freshness,
                                                           const std::shared_ptr<decide::Report>& report);
  // Lasts until a start or a deploy, even across restarts of the daemon.
  [[nodiscard]] std::expected<void, decide::Refused> stop(const std::string& name, const spec::Stopped& by,
                                                          decide::Haste haste,
                                                          std::shared_ptr<decide::Report> report);
  // instance_commands.cpp
  [[nodiscard]] std::expected<void, decide::Refused> kill(const std::string& name,
                                                          const decide::Selection& which, uid_t by,
                                                          std::shared_ptr<decide::Report> report);
  [[nodiscard]] std::expected<void, decide::Refused> signal(const std::string& name,
                                                            const decide::Selection& which,
                                                            const decide::SignalOrder& order,
                                                            const std::shared_ptr<decide::Report>& report);
  // Lasts until the files give another number of instances.
  [[nodiscard]] std::expected<void, decide::Refused> scale(const std::string& name, const Scale& to,
                                                           std::shared_ptr<decide::Report> report);
  [[nodiscard]] std::expected<void, decide::Refused> abort(const std::string& name, uid_t by,
                                                           std::shared_ptr<decide::Report> report);
  // Puts the files as a whole into force. The report ends when every deploy and start that it takes has
  // ended.
  [[nodiscard]] std::expected<void, decide::Refused> reload(const ReloadRequest& request,
                                                            const std::shared_ptr<decide::Report>& report);
  // The same for a signal: as soon as no other reload is under way and every app is booted. What it does, or
  // why it did nothing, is in the log.
  void reload_when_free();
  [[nodiscard]] bool reload_asked() const { return reload_asked_; }
  [[nodiscard]] std::shared_ptr<decide::Report> new_report(decide::Command command) const;
  // What the command that reports there is doing at this moment: App::progress() of each app that it
  // concerns.
  [[nodiscard]] std::string progress(const decide::Report& report) const;

  // With the name that may have been meant; `config`: one that these files have counts, too.
  [[nodiscard]] decide::Refused no_such_app(const std::string& name,
                                            const config::Config* config = nullptr) const;
  // What is being done to an app, or null; and what was. Unset: no app has that name.
  struct Commands {
    std::shared_ptr<decide::Report> under_way;
    std::shared_ptr<History> past;
  };
  [[nodiscard]] std::optional<Commands> commands(const std::string& name) const;
  [[nodiscard]] std::expected<AppEnvironment, decide::Refused> environment(const std::string& name) const;
  // Reads the files (app_settings.cpp).
  [[nodiscard]] std::expected<AppSettings, decide::Refused> app_settings(const std::string& name) const;
  // As for a reload, and what the host lacks; nothing changes. Blocks as long as a reload's check does.
  [[nodiscard]] spec::ConfigCheck check_files() const;
  // Everything that the supervisor knows, and what it knows of one app; unset: no app has that name.
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::optional<AppSnapshot> snapshot(const std::string& name) const;
  // What an app has written; null: no app has that name.
  [[nodiscard]] std::shared_ptr<AppOutput> output(const std::string& name) const;
  [[nodiscard]] decide::DescriptorBudget budget() const;

 private:
  [[nodiscard]] InForce in_force(const std::string& name) const;
  [[nodiscard]] AppSnapshot snapshot_of(const AppEntry& entry, const Drift& differing) const;
  [[nodiscard]] const AppEntry* find_app(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> remarks() const;
  // left_behind.cpp
  [[nodiscard]] std::vector<const LeftBehind*> left_behind() const;  // without those that have come back
  [[nodiscard]] std::string left_behind_text() const;                // empty: there are none
  void forget_left_behind(const ReloadPlan& plan);
  [[nodiscard]] base::TimePoint now() const;
  [[nodiscard]] decide::App* decider(base::AppId id);  // null: there is none
  void turn();
  void schedule_turn();
  // supervisor_polls.cpp
  void read_reports();
  void read_shortages();
  void read_failures();
  void note_tallies();
  void read_slow_streams();
  void notice_quiescence();
  void notice_adoption();
  [[nodiscard]] bool awaits_others() const;
  void publish();
  void commit_listeners();
  // For the next table.
  [[nodiscard]] std::vector<ListenerUser> listener_users();
  [[nodiscard]] std::vector<AppEntry*> in_order_of_claims();
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
  // What a deploy of `configured` changes in its listeners, and what it leaves for a reload.
  [[nodiscard]] std::expected<ListenerPlan, decide::Refused> plan_listeners(
      const AppEntry* entry, const config::App& configured, const config::Config& config) const;
  // An address that another app has, of which one has proxy = "tcp"; unset: there is none.
  [[nodiscard]] std::optional<decide::Refused> refuse_shared_tcp(
      const AppEntry* entry, const config::App& configured,
      const std::vector<config::Listener>& listeners) const;
  void note_touched(AppEntry& entry, const spec::Spec& next) const;
  // shutdown.cpp
  // What keeps the daemon from ending, summed over apps and workers.
  struct Load {
    std::uint64_t requests = 0;  // under way at an instance
    std::uint64_t waiting = 0;   // requests that have none yet
    std::uint64_t processes = 0;
    [[nodiscard]] bool idle() const { return requests == 0 && waiting == 0; }
  };
  [[nodiscard]] Load load() const;
  void tell_shutdown(const std::string& phase, const std::string& text) const;
  void tell_stopping(decide::Haste haste) const;
  [[nodiscard]] std::string shutdown_progress() const;
  void follow_shutdown();
  void carry_out(const decide::Shutdown::Steps& steps);
  void begin_closing();
  void begin_stopping(decide::Haste haste);

  // succession.cpp
  void turn_without_acting();
  void follow_predecessor();
  void boot_as_owner();
  [[nodiscard]] std::optional<std::string> busy_with(const AppEntry& entry) const;
  // reattach.cpp
  using KeptByApp = std::map<std::string, std::vector<KeptChild>>;
  [[nodiscard]] bool reattach(AppEntry& entry, const spec::LoadedStates& states,
                              const spec::SlotsRecords& former_slots, KeptByApp& kept);
  void end_strays(KeptByApp& kept);
  void let_go_held_back();
  void await_reattached();
  [[nodiscard]] bool reattached_serve() const;
  void accept();
  // configuration_keeping.cpp
  [[nodiscard]] config::Config configuration_in_force() const;
  void keep_configuration();
  void enqueue_boot(AppEntry& entry, std::map<std::string, spec::AppState>& states);
  AppEntry& add_at_boot(const config::App& configured, const std::map<std::string, spec::AppState>& states,
                        const KeptByApp& kept);
  void continue_boot();
  // Are there apps that are still to be started?
  [[nodiscard]] bool booting() const { return !boot_queue_.waiting().empty() || !held_back_.empty(); }
  // The app's turn has come, or a command concerns it: from then on it is like any other app.
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
  // The app, booted now if its turn had not come yet.
  [[nodiscard]] std::expected<decide::App*, decide::Refused> booted(const std::string& name);
  // Why the descriptors or the ports would not suffice; unset: they do.
  [[nodiscard]] std::optional<std::string> shortage_with(const std::vector<const config::App*>& next,
                                                         std::size_t addresses) const;
  void keep_scale(config::App& configured) const;
  // The configuration as the files now say.
  [[nodiscard]] std::expected<config::Loaded, decide::Refused> load_files() const;
  // `frozen`: the app as it was already frozen; null: it is read now.
  [[nodiscard]] std::expected<AppEntry*, decide::Refused> prepare(const std::string& name,
                                                                  const config::Config& config,
                                                                  spec::SpecRef frozen = nullptr);
  [[nodiscard]] std::expected<AppEntry*, decide::Refused> prepare_from_files(const std::string& name);
  [[nodiscard]] decide::Refused with_state_of(const std::string& name, decide::Refused refused) const;
  // Requires: it is prepared.
  [[nodiscard]] std::expected<void, decide::Refused> begin_deploy(
      AppEntry& entry, const std::shared_ptr<decide::Report>& report);
  // The highest generation number that the app's record, kept or left behind, knows.
  [[nodiscard]] base::GenerationId last_generation_of(const std::string& name) const;
  // The budget with `next` instead of what some apps now have, and with `addresses` more to listen on.
  [[nodiscard]] decide::DescriptorBudget budget_with(const std::vector<const config::App*>& next,
                                                     std::size_t addresses) const;

  // reload_plan.cpp
  enum class Depth : std::uint8_t { compare, try_out, open };  // open: what is listened on at once as well
  [[nodiscard]] std::expected<ReloadPlan, decide::Refused> plan_reload(const ReloadRequest& request,
                                                                       Depth depth) const;
  [[nodiscard]] std::expected<ReloadPlan, decide::Refused> plan_reload(const ReloadRequest& request,
                                                                       config::Loaded files,
                                                                       Depth depth) const;
  [[nodiscard]] bool serves(const std::string& name) const;
  void plan_shared_listeners(const ReloadRequest& request, ReloadPlan& plan) const;
  [[nodiscard]] std::vector<std::string> freeze_all(const ReloadRequest&, ReloadPlan&, Depth) const;
  [[nodiscard]] std::vector<decide::ReloadApp> reload_apps(const ReloadRequest& request,
                                                           const ReloadPlan& plan) const;
  [[nodiscard]] static bool is_known(const AppEntry& entry, const ReloadPlan& plan);
  [[nodiscard]] std::vector<std::string> open_all(ReloadPlan& plan) const;
  // drift.cpp
  [[nodiscard]] const Drift& drift() const;
  [[nodiscard]] DriftMemory::Basis drift_basis() const;
  [[nodiscard]] Drift find_drift() const;
  // A file of the configuration as people know it: without the folder of the main file.
  [[nodiscard]] std::string short_name(const std::filesystem::path& file) const;
  [[nodiscard]] Drift::Item drift_in(const std::filesystem::path& file) const;
  [[nodiscard]] Drift::Item drift_of_gone(const AppEntry& entry, const config::Config& config) const;
  void find_faults(const decide::Refused& refused, Drift& found) const;
  // Without what a command takes itself; and told by that command.
  [[nodiscard]] DriftLine drift_line(const std::set<std::string>& except) const;
  void tell_drift(const DriftLine& line, decide::Report& report) const;
  // reload.cpp
  void tell_plan(const ReloadPlan& plan, decide::Report& report, bool dry_run);
  void begin(ReloadPlan plan, std::shared_ptr<decide::Report> report);
  void begin_reload();
  void advance_reload();
  void adjust_daemon(const ReloadPlan& plan);
  void keep_for_next_start(const spec::Spec& next);
  void begin_step(const decide::ReloadStep& step);
  void end_reload();
  [[nodiscard]] std::expected<void, decide::Refused> try_step(const decide::ReloadStep& step,
                                                              const std::shared_ptr<decide::Report>& receipt);
  static void remove(AppEntry& entry, const std::shared_ptr<decide::Report>& receipt);
  // What the step gives its app.
  [[nodiscard]] spec::SpecRef spec_of(const decide::ReloadStep& step);
  [[nodiscard]] std::expected<void, decide::Refused> adjust_later(const decide::ReloadStep& step);
  void adjust_app(AppEntry& entry, const spec::Spec& next);
  void relay(decide::Report& receipt, const std::string& app);
  void tell_given_up();
  void forget_removed();
  // app_folder_reload.cpp
  void watch_app_folder();
  void note_app_folder(const std::shared_ptr<const config::Files>& trees, bool removed);
  void apply_app_folder(const decide::AppFolder::Plan& plan);
  [[nodiscard]] bool plan_app_folder(AppFolderWork& work) const;
  [[nodiscard]] bool is_busy(const std::string& name) const;
  [[nodiscard]] std::expected<ReloadPlan, decide::Refused> plan_apps(decide::AppFolder::Names apps,
                                                                     config::Loaded files, Depth depth) const;

  loop::Loop& loop_;
  base::Log& log_;
  Settings settings_;
  std::size_t workers_;
  std::vector<const routing::WorkerPort*> ports_;
  std::size_t addresses_ = 0;  // in the newest table
  ShortageWatch shortages_;
  Publisher publisher_;
  ListenerBook listeners_;
  std::map<std::string, std::string> open_errors_;  // by listener: why it could not be opened
  EventQueue events_;
  std::unique_ptr<World> world_;
  std::map<base::AppId, AppEntry> apps_;
  base::AppId last_app_;
  base::Epoch adopted_;  // by all workers, as last told to the apps
  SocketCheck socket_check_;
  decide::FailureBook failures_;
  decide::SlowStreamHints slow_streams_;
  decide::BootQueue boot_queue_;
  std::set<base::AppId> held_back_;  // from it, until no stray of theirs is left
  ConfigurationKeeping configuration_;
  bool configuration_stale_ = true;
  bool accepting_ = true;  // tables list the listeners
  enum class Standing : std::uint8_t { owner, successor, frozen, departed } standing_ = Standing::owner;
  KeptByApp strangers_;  // kept processes that no record knows, until boot_as_owner()
  std::function<void()> ready_;
  bool trusted_ = false;  // a successor: what it reattached serves, as far as it can be known
  std::unique_ptr<Predecessor> predecessor_;
  std::function<void()> accepts_;
  base::Epoch accepting_since_;
  loop::Timer accept_timer_;  // until then reattached instances may pass a probe
  std::vector<LeftBehind> left_behind_;
  std::unique_ptr<loop::Wakeup> boot_bell_;   // rung between two slices
  std::unique_ptr<Observation> observation_;  // from boot() on
  loop::NextTurn next_turn_;
  loop::Timer slow_timer_;  // covers a lost ring while something is awaited from the workers
  loop::Timer shutdown_timer_;
  loop::Timer missing_timer_;  // retries addresses that could not be opened
  std::unique_ptr<Reloading> reloading_;
  bool reload_asked_ = false;  // by a signal
  mutable DriftMemory drift_;
  std::unique_ptr<AppFolder> app_folder_;  // null: there is none
  decide::Shutdown shutdown_;
  std::vector<std::shared_ptr<decide::Report>> shutdown_reports_;
  std::function<void()> over_;
  std::function<void()> closing_;
  std::function<void(const std::string&)> new_app_;
};

}  // namespace gracevisor::supervise
