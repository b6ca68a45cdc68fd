// The executor behind the deciders: carries out their Effects and turns what happens into events for their
// apps. Callbacks of processes, timers and the writer only enqueue; run_events() acts, once per supervisor
// turn. Thread: the supervisor's.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ranges>
#include <vector>

#include "base/log.h"
#include "decide/app.h"
#include "loop/timer.h"
#include "output/writer.h"
#include "routing/route_table.h"
#include "supervise/app_output.h"
#include "supervise/port_leases.h"
#include "supervise/run.h"
#include "supervise/socket_leases.h"

namespace gracevisor::supervise {

class World final : public decide::Effects, private RunObserver {
 public:
  struct Surroundings {
    loop::Loop& loop;
    base::Log& log;
    output::Writer& writer;
    const spawn::Launcher& launcher;
    const Publisher& publisher;
    std::size_t workers = 1;
    std::filesystem::path state_dir;
    std::string state_id;  // GV_STATE
    std::filesystem::path runtime_dir;
    config::PortRange ports;
    std::optional<std::uint64_t> open_files;  // the soft RLIMIT_NOFILE that children get
    std::function<decide::App*(base::AppId)> find_app;
    // Makes the runtime folder again if it was removed; the error says why it must not be used. Empty: the
    // folder is assumed to be there.
    std::function<base::Expected<void>()> ensure_runtime_dir;
    std::function<void()> schedule_turn;  // something is enqueued or the desired state changed
    // Fills in what AppCounts says about listeners.
    std::function<void(base::AppId, decide::AppCounts&)> count_touched = [](base::AppId, decide::AppCounts&) {
    };
  };
  explicit World(Surroundings around);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() override;

  // Before anything is started: ends the processes that a former daemon left (this may take as long as their
  // stop ladders), and removes what it left in the runtime folder.
  void clear_leftovers() const;
  // Creates an app's ledger and output.
  void add_app(base::AppId app, const config::App& config);

  // Acts on what happened since the last call, in order; bounded, the rest waits for the next turn.
  void run_events();
  // Ends runs of which nothing can be touched any more, so that their ports and socket paths may be leased
  // again, and closes listening sockets of slots in which nothing will be started again.
  void sweep();
  // Logs how many bodies the workers have counted that may be one half of a conversation.
  void hint_at_slow_streams();
  // Writes the process record if the processes have changed since the last call.
  void keep_record();
  // No process is left except those that nothing will end, and no endpoint is in use.
  [[nodiscard]] bool over() const;

  // close_endpoint() for every run, including those whose process has ended or whose generation is forgotten:
  // a client that reads nothing may still hold a lease on them.
  void close_endpoints();

  // The desired state changed since the last call.
  [[nodiscard]] bool take_dirty();

  [[nodiscard]] Run* find_run(const Identity& who);
  [[nodiscard]] const Run* find_run(const Identity& who) const;
  // Can a connection still reach the instance's socket? True if it has none.
  [[nodiscard]] bool socket_in_place(const Identity& who) const;
  // Is it a process that a run started and will reap?
  [[nodiscard]] bool owns(base::Pid pid) const { return looker_.is_leader(pid.value()); }
  using Runs = std::map<Identity, std::unique_ptr<Run>>;
  [[nodiscard]] const Runs& runs() const { return runs_; }
  // One app's runs: they are adjacent, since an identity begins with the app.
  [[nodiscard]] std::ranges::subrange<Runs::const_iterator> runs_of(base::AppId app) const;
  [[nodiscard]] const std::shared_ptr<routing::AppLedger>& ledger(base::AppId app) const;
  [[nodiscard]] std::uint64_t window(base::AppId app) const;
  // The user whose rights its logs may need from now on; unset: the daemon's.
  void set_user(base::AppId app, const std::optional<spawn::Credentials>& who);
  [[nodiscard]] const spawn::Credentials* user(base::AppId app) const;
  [[nodiscard]] AppOutput& output(base::AppId app);

  // Effects
  [[nodiscard]] base::TimePoint now() const override;
  void spawn(const Identity& who, const spec::SpecRef& spec) override;
  void signal(const Identity& who, int number, config::Stop::Scope scope) override;
  void kill_tree(const Identity& who) override;
  void arm(const Identity& who, decide::InstanceTimer timer, base::Duration after) override;
  void disarm(const Identity& who, decide::InstanceTimer timer) override;
  void arm(base::AppId app, decide::AppTimer timer, base::Duration after) override;
  void disarm(base::AppId app, decide::AppTimer timer) override;
  base::Epoch publish() override;
  void close_endpoint(const Identity& who) override;
  void open_window(base::AppId app) override;
  void record(base::AppId app, const spec::AppState& state, std::uint64_t serial) override;
  [[nodiscard]] decide::ListenerOwner listener_owner(const Identity& who) override;
  [[nodiscard]] decide::EndpointCounts counts(const Identity& who) const override;
  [[nodiscard]] decide::AppCounts counts(base::AppId app) const override;
  [[nodiscard]] std::string place(const Identity& who) const override;
  [[nodiscard]] std::vector<std::string> last_output(const Identity& who, std::size_t lines) const override;
  [[nodiscard]] std::vector<std::size_t> late_workers() const override;
  void tell(const decide::Fact& fact) override;

 private:
  // What the world keeps for an app.
  struct AppFacts {
    std::shared_ptr<routing::AppLedger> ledger;
    std::uint64_t window = 0;
    std::unique_ptr<AppOutput> output;
    const spawn::Credentials* user = nullptr;  // the writer keeps it
    std::uint64_t slow_streams = 0;            // seen so far
    std::optional<base::TimePoint> hinted;     // when the log said what those may be
  };
  struct TimerKey {
    Identity who;  // for an app's timers: only the app is set
    bool of_app = false;
    std::uint8_t kind = 0;
    auto operator<=>(const TimerKey&) const = default;
  };
  struct Armed {
    std::unique_ptr<loop::Timer> timer;
    std::uint64_t serial = 0;
  };
  using Event = std::function<void(decide::App&)>;

  void say(base::LogLevel level, const std::string& line);

  void on_output(const Identity& who, process::OutputStream stream, std::string_view bytes) override;
  [[nodiscard]] bool takes_output(const Identity& who, process::OutputStream stream) override;
  void on(const Identity& who, const spawn::ProcessEvent& event) override;
  void tell_left(const Identity& who, const spawn::Left& left);

  // Where an incarnation will be reached.
  struct Place {
    spec::Placement placement;
    std::optional<base::Address> address;  // unset without endpoint
    int listener = -1;                     // passed to it
  };
  [[nodiscard]] base::Expected<Place> find_place(const Identity& who, const spec::Spec& spec);
  void give_back(const Run& run);
  void resume_outputs();
  // Will nothing be started in this slot again?
  [[nodiscard]] bool is_over(const Identity& slot) const;

  void enqueue(base::AppId app, Event event);
  void arm_key(const TimerKey& key, base::Duration after, const Event& event);
  void refuse_spawn(const Identity& who, const spec::Spec& spec, const spawn::SpawnFailed& failure,
                    const std::string& why);

  Surroundings around_;
  PortLeases ports_;
  SocketLeases sockets_;
  std::map<base::AppId, AppFacts> apps_;
  process::ProcessLooker looker_;
  Runs runs_;
  bool record_stale_ = false;
  bool record_failed_ = false;  // and said so
  std::map<TimerKey, Armed> timers_;
  std::uint64_t timer_serial_ = 0;
  std::deque<std::pair<base::AppId, Event>> events_;
  bool dirty_ = false;
};

}  // namespace gracevisor::supervise
