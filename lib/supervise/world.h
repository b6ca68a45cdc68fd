// The executor behind the deciders: carries out their Effects and turns what happens into events for their
// apps. Callbacks of processes, timers and the writer only add to the queue of events; the supervisor's turn
// handles them. Thread: the supervisor's.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "decide/app.h"
#include "loop/pace.h"
#include "observe/sampler.h"
#include "output/writer.h"
#include "process/parent.h"
#include "process/process_looker.h"
#include "succession/messages.h"
#include "supervise/app_holdings.h"
#include "supervise/endpoint_leases.h"
#include "supervise/event_queue.h"
#include "supervise/former_processes.h"
#include "supervise/kept_child.h"
#include "supervise/listener_logs.h"
#include "supervise/run.h"
#include "supervise/runs.h"
#include "supervise/slots_journal.h"
#include "supervise/strays.h"
#include "supervise/timer_set.h"
#include "supervise/world_knowledge.h"

namespace gracevisor::supervise {

class World final : public decide::Effects, private RunObserver {
 public:
  struct Surroundings {
    loop::Loop& loop;
    base::Log& log;
    output::Writer& writer;
    process::Parent& parent;             // of the instances
    const process::CgroupHome* cgroups;  // theirs; may be null
    base::Holder* holder;                // of what outlives the daemon; may be null
    const Publisher& publisher;
    EventQueue& events;
    std::size_t workers = 1;
    std::filesystem::path state_dir;
    std::string state_id;  // GV_STATE
    std::filesystem::path runtime_dir;
    config::PortRange ports;
    std::optional<std::uint64_t> open_files;  // the soft RLIMIT_NOFILE that children get
    std::function<decide::App*(base::AppId)> find_app;
    std::function<base::Expected<void>()> ensure_runtime_dir;  // see EndpointLeases
    std::function<void()> schedule_turn;                       // the desired state changed
    std::optional<unsigned> max_starts = {};                   // as config::Daemon has it
    WorldKnowledge::CountTouched count_touched = [](base::AppId, decide::AppCounts&) {};
  };
  explicit World(Surroundings around);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override;

  // Before anything is started by the first daemon of a keeper: ends the processes that a daemon of another
  // keeper left (this may take as long as their stop ladders).
  void end_former(const std::vector<config::App>& configured) const;
  // The same beside what runs, for what the former daemon of this keeper left of instances that had ended.
  void end_former_meanwhile(const std::vector<config::App>& configured);
  // Removes what no instance has in the runtime folder.
  void clear_runtime_folder() const { leases_.clear_leftovers(); }
  // A process of a former daemon, which belongs to this generation of the app: from now on it is a run like
  // any other. On an error it is a stray.
  void reattach(const Identity& who, const spec::SpecRef& spec, KeptChild child);
  // One that belongs to nothing, or whose app is known, but not its generation.
  void end_stray(KeptChild child, const config::Stop& stop, const std::string& why);
  [[nodiscard]] bool running(const Identity& who) const;
  // Strays of this app that have not ended.
  [[nodiscard]] bool has_strays(const std::string& app) const { return strays_.any_of(app); }
  // Strays, or what a former daemon left of instances that had ended, are still being ended.
  [[nodiscard]] bool ends_strangers() const { return former_ != nullptr || !strays_.empty(); }
  // Creates an app's ledger and output.
  void add_app(base::AppId app, const config::App& config);
  // Its decider is no more. Its ledger and output follow as soon as nothing of it is left; followers of its
  // output are told at once.
  void retire_app(base::AppId app);
  // The app's settings have changed: the process record tells how its processes end, and streams that wait
  // may have room.
  void note_adjusted(base::AppId app);
  // The user whose rights its logs may need from now on; unset: the daemon's.
  void set_user(base::AppId app, const std::optional<spawn::Credentials>& who);

  // What holds for the access logs of the listeners that are in force now.
  void tend_access_logs(const Definitions& in_force) { listener_logs_.settle(in_force); }

  // Ends runs that nothing can touch any more, so that their ports and socket paths may be leased
  // again, and closes listening sockets of slots in which nothing will be started again.
  void sweep();
  // Replaces the record of an app that is not there, and keeps its slots no longer.
  void forget(const spec::AppState& state, std::function<void(const base::Expected<void>&)> done);
  // How the apps' slots fare is kept for the next daemon, as it is now.
  void keep_slots();
  void drop_slots(const std::string& app) { slots_.forget(app); }
  // How the slots were when the former daemon of this keeper ended; by app. Once.
  [[nodiscard]] spec::SlotsRecords take_former_slots() { return slots_.take_former(); }
  // Have the processes changed since the last call? Then their record is written, some time.
  bool keep_record();
  // Of the runs whose process has begun and is not gone.
  [[nodiscard]] observe::Watched main_processes() const;
  // daemon.max_starts; in force at once.
  void limit_starts(std::optional<unsigned> most);
  // Those whose turn it is begin to start. Once in a turn.
  void grant_starts();
  [[nodiscard]] const decide::StartLimit& starts() const { return starts_; }
  // No process is left except those that nothing will end, and no endpoint is in use.
  [[nodiscard]] bool over() const;

  // close_endpoint() for every run, including those whose process has ended or whose generation is forgotten:
  // a client that reads nothing may still hold a lease on them. Strays are killed.
  void close_endpoints();

  // While two daemons live, one of them decides (world_succession.cpp).
  // From now on nothing is done to a process, and nothing is recorded, until let_go(): then it is, in order.
  // No output is read until the former reader has handed it on: read_on().
  void hold_back();
  void let_go();
  void read_on(const std::vector<succession::OutputRead::Rest>& unfinished);
  // Reads what the processes have written so far, and no more; what is no whole line yet is the result.
  [[nodiscard]] std::vector<succession::OutputRead::Rest> stop_reading();
  // Nothing of the processes is followed any more: they are another daemon's.
  void abandon();
  // What was to be written before is in the files when `done` runs.
  void when_written(std::function<void()> done);

  // Has the desired state changed since the last call?
  [[nodiscard]] bool take_dirty();

  // What the deciders of the apps are given.
  [[nodiscard]] decide::Surroundings surroundings() { return {*this, knowledge_}; }
  [[nodiscard]] const WorldKnowledge& knowledge() const { return knowledge_; }
  [[nodiscard]] Runs& runs() { return runs_; }
  [[nodiscard]] const Runs& runs() const { return runs_; }
  [[nodiscard]] const AppHoldings& holdings(base::AppId app) const { return apps_.at(app); }
  // Can a connection still reach the instance's socket? True if it has none.
  [[nodiscard]] bool socket_in_place(const Identity& who) const;
  // Who listens at the instance's address now? Reads /proc: milliseconds on a busy machine.
  [[nodiscard]] decide::ListenerOwner listener_owner(const Identity& who) const;
  // Where the run's instance is, as its process was told.
  [[nodiscard]] spec::Placement placement_of(const Run& run) const;

  // Effects
  [[nodiscard]] bool ask_start(const Identity& who, decide::Urgency urgency) override;
  void count_start(const Identity& who) override;
  void end_start(const Identity& who) override;
  void spawn(const Identity& who, const spec::SpecRef& spec) override;
  void signal(const Identity& who, int number, config::Stop::Scope scope) override;
  void pass_signal(const Identity& who, int number, config::Stop::Scope scope) override;
  void kill_tree(const Identity& who) override;
  void arm(const Identity& who, decide::InstanceTimer timer, base::Duration after) override;
  void disarm(const Identity& who, decide::InstanceTimer timer) override;
  void arm(base::AppId app, decide::AppTimer timer, base::Duration after) override;
  void disarm(base::AppId app, decide::AppTimer timer) override;
  base::Epoch publish() override;
  void close_endpoint(const Identity& who) override;
  void open_window(base::AppId app) override;
  void record(base::AppId app, const spec::AppState& state, std::uint64_t serial) override;
  void remember(base::AppId app, const std::shared_ptr<decide::Report>& report) override;
  void tell(decide::Fact fact, decide::Report* receipt) override;

 private:
  // True: it is done later, by this.
  [[nodiscard]] bool holds_back(std::function<void()> action);
  [[nodiscard]] decide::ListenerOwner failed_owner(const Identity& who) const;
  // A step of spawn() that failed.
  struct Refusal {
    spawn::SpawnFailed failure;
    std::string why;
  };
  [[nodiscard]] std::expected<void, Refusal> try_spawn(const Identity& who, const spec::SpecRef& spec);
  void refuse_spawn(const Identity& who, const spec::Spec& spec, const Refusal& refusal);
  void tell_refused(const Identity& who, const spec::Spec& spec, const std::string& why);
  // Will nothing be started in this slot again?
  [[nodiscard]] bool is_over(const Identity& slot) const;

  [[nodiscard]] process::ProcessSurroundings process_surroundings();
  [[nodiscard]] FormerEnd::Subject former_subject(const std::vector<config::App>& configured) const;
  [[nodiscard]] Kept kept(std::uint64_t since) const;
  void advance_former();
  void clear_cgroups() const;
  void find_cgroup(KeptChild& child) const;
  void write_record();
  void on_begun(const Identity& who) override;
  void on(const Identity& who, const spawn::ProcessEvent& told) override;
  [[nodiscard]] spawn::ProcessEvent explained(const Identity& who, const spawn::ProcessEvent& event) const;
  void tell_unstarted(const Identity& who, const spawn::Ended& ended);
  void tell_left(const Identity& who, const spawn::Left& left);
  [[nodiscard]] AppOutput& output(const Identity& who) { return *apps_.at(who.app).output; }

  // Have so few been ordered and not been started yet that more may be? The keeper starts one after the
  // other, and each that waits for it has all its descriptors open.
  [[nodiscard]] bool may_spawn() const { return around_.parent.waiting() < kMostWaiting; }
  static constexpr std::size_t kMostWaiting = 16;

  Surroundings around_;
  EndpointLeases leases_;
  Holdings apps_;
  process::ProcessLooker looker_;
  Strays strays_;
  std::unique_ptr<FormerEnd> former_;  // while it ends some
  loop::Timer former_timer_;
  Runs runs_;
  TimerSet timers_;
  WorldKnowledge knowledge_;
  std::set<base::AppId> retired_;
  // Set while it holds back: what is to be done.
  std::optional<std::vector<std::function<void()>>> held_back_;
  bool reading_ = true;
  SlotsJournal slots_;
  ListenerLogs listener_logs_;
  loop::Pace record_pace_;
  bool record_stale_ = false;
  std::shared_ptr<bool> record_failed_ = std::make_shared<bool>(false);  // and the log said so
  bool dirty_ = false;
  decide::StartLimit starts_;
};

}  // namespace gracevisor::supervise
