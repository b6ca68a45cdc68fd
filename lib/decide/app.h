// One app: its generations, the deploy that holds its slot, and what commands ask of it. A decider.
//
// At most one generation is live. A candidate exists while a deploy runs; leaving generations drain and stop
// beside the next deploy. A stopped app keeps its last generation, although it has ended, so that `start` can
// start it again. The state record keeps the stop until a start or a deploy. Thread: the supervisor's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "decide/deploy.h"
#include "decide/record_keeper.h"
#include "routing/route_table.h"

namespace gracevisor::decide {

// Why a command was refused.
struct Refused {
  ExitCode exit = ExitCode::failed;
  std::string why;
  std::vector<std::string> details = {};  // e.g. every error of the configuration
};
[[nodiscard]] inline std::unexpected<Refused> refused(ExitCode exit, std::string why) {
  return std::unexpected(Refused{exit, std::move(why), {}});
}

// Instances of an app: all of them, those of one generation, or one.
struct Selection {
  std::optional<base::GenerationId> generation = {};
  std::optional<base::Slot> slot = {};  // only with a generation

  [[nodiscard]] bool all() const { return !generation; }
  [[nodiscard]] bool has(const Identity& who) const {
    return (!generation || who.generation == *generation) && (!slot || who.slot == *slot);
  }
  // "web", "web@43" or "web@43.1"
  [[nodiscard]] std::string text(std::string_view app) const;
};

struct SignalOrder {
  int number = 0;
  config::Stop::Scope scope = config::Stop::Scope::main;
  bool force = false;  // even a live instance may be suspended
  uid_t by = 0;
};

class App final : private DeployHost {
 public:
  App(base::AppId id, std::string name, base::GenerationId last_generation, const Surroundings& around);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App() = default;

  // The daemon is booting, and this app will be started shortly: its clients wait until start(). False: it
  // will not be started after all.
  void expect_start(bool expected);
  // Instead of start() or stay_stopped(), once, by a daemon whose keeper has kept the app's processes through
  // the end of the former daemon: what these are goes on, and so do the deploys of `state` (reattach.cpp).
  // `slots`: null: there is none that can be read. `children`: all of the app that the keeper has, also those
  // that have ended: their events follow through on(). Their runs exist already, as signals are sent at once.
  // Returns those that are not the app's, which the caller ends: of a generation that is not
  // spec::reattachable(), or that cannot be. If the record is of another boot, that is all of them, and the
  // app is as it was.
  [[nodiscard]] std::vector<Identity> reattach(const spec::AppState& state, const spec::SlotsRecord* slots,
                                               const std::vector<FoundChild>& children);
  // At the latest 100 ms after reattach(): if no instance of the live generation has passed a probe by then,
  // those that were healthy serve, and probes judge them meanwhile. One that hangs must not keep the daemon
  // from serving.
  // `all`: the daemon that judged them a moment ago lives, so each that was healthy serves at once.
  enum class Trusted : std::uint8_t { where_none_serves, all };
  void trust_reattached(Trusted which = Trusted::where_none_serves);
  // For the next daemon. It is the same as long as changes() is.
  [[nodiscard]] spec::SlotsRecord slots() const;
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // A command stopped the app before this daemon began, and it stays stopped. `spec` belongs to generation
  // `again`, which served last; null: none had served, or its record cannot be started.
  void stay_stopped(const spec::Stopped& by, spec::SpecRef spec, base::GenerationId again);

  // Commands. Each takes a report, which is finished when the command is done; a refused command takes none.
  // `spec`: for the first start. `again`: for that, too: the number of the generation that was live before
  // this daemon began, if any.
  [[nodiscard]] std::expected<void, Refused> start(spec::SpecRef spec, std::shared_ptr<Report> report,
                                                   std::optional<base::GenerationId> again = std::nullopt);
  [[nodiscard]] std::expected<void, Refused> can_deploy() const;  // busy, or not
  [[nodiscard]] std::expected<void, Refused> deploy(spec::SpecRef spec, std::shared_ptr<Report> report);
  // What serves, or is stopped, takes over settings that need no deploy: Generation::adjust(). Requires:
  // can_deploy() and live().
  void adjust(spec::SpecRef spec);
  // Also ends the deploy under way: a client that waits for it gets exit 6, unless it was already ending.
  [[nodiscard]] std::expected<void, Refused> stop(const spec::Stopped& by, Haste haste,
                                                  std::shared_ptr<Report> report);
  // SIGKILL to some of its instances, which are replaced if they are live. Done once their processes are
  // gone.
  [[nodiscard]] std::expected<void, Refused> kill(const Selection& which, uid_t by,
                                                  std::shared_ptr<Report> report);
  // Sends a signal to those of them that have a process; nothing else changes. Done at once.
  [[nodiscard]] std::expected<void, Refused> signal(const Selection& which, const SignalOrder& order,
                                                    const std::shared_ptr<Report>& report);
  // How many instances it should have until the files say another number: the difference starts or drains.
  // Equal to what the files say: the files count again. Requires: instances > 0.
  [[nodiscard]] std::expected<void, Refused> scale(unsigned instances, std::shared_ptr<Report> report);
  // The files no longer have it: it drains and stops, and its record keeps only the number of its last
  // generation. Once removed(), the caller forgets it. Requires: can_deploy().
  void remove(std::shared_ptr<Report> report);
  [[nodiscard]] bool removing() const { return removing_; }
  [[nodiscard]] bool removed() const { return removing_ && ended() && !records_.asked(); }
  // Undoes the deploy under way: before its cutover the deploy gives up (exit 6); within its guard the old
  // generation serves again (exit 13).
  [[nodiscard]] std::expected<void, Refused> abort(uid_t by, std::shared_ptr<Report> report);
  // The daemon ends: a running deploy is interrupted first, then everything leaves.
  void abort_deploy();
  void shut_down(Haste haste);

  // Events. Events of past incarnations are dropped.
  // `owner`: set if needs_owner(who, event).
  void on(const Identity& who, const spawn::ProcessEvent& event,
          const std::optional<ListenerOwner>& owner = {});
  void on(const Identity& who, const Probed& probed);
  void on_quiescent(const Identity& who);
  // Clients can no longer reach the instance: it is drained, stopped, and started anew in its slot.
  void replace(const Identity& who, std::string_view cause);
  void on_timer(const Identity& who, InstanceTimer timer);
  void on_timer(AppTimer timer);
  void on_recorded(std::uint64_t serial, const base::Expected<void>& written);
  void on_adopted(base::Epoch epoch);

  [[nodiscard]] base::AppId id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // The highest number assigned to one of its generations.
  [[nodiscard]] base::GenerationId last_generation() const { return last_generation_; }
  // Is anything of the generation left? The live one counts even after it has ended.
  [[nodiscard]] bool has(base::GenerationId generation) const;
  // Must this event (a ProcessEvent or a ProbeReport) come with the owner of the instance's address? Asked
  // just before on().
  template <class Event>
  [[nodiscard]] bool needs_owner(const Identity& who, const Event& event) const {
    const Instance* instance = find(who);
    return instance != nullptr && instance->needs_owner(event);
  }
  // What the command that reports there is doing at this moment; empty: nothing that takes its time, or it is
  // not this app's.
  [[nodiscard]] std::string progress(const Report& report) const;
  // The generation that serves, or served last; null before the first start.
  [[nodiscard]] const Generation* live() const { return live_; }
  // The live generation first, then every other one of which anything is left.
  [[nodiscard]] std::vector<const Generation*> generations() const;
  // Adds its instances that drain or close: they are waiting until no worker can touch them.
  void add_draining(std::vector<Identity>& into) const;
  // What clients get: a healthy instance (live), a wait for one (hold), or a refusal at once (stopped).
  [[nodiscard]] routing::AppMode mode() const;
  // The generation that a cut-back would restore: the one before the live one, during a deploy's guard; null:
  // none.
  [[nodiscard]] const Generation* fallback() const { return guarding() ? deploy_->old() : nullptr; }
  // Guarding: both generations are probed at guard_interval.
  [[nodiscard]] bool guarding() const { return deploy_ && deploy_->guarding(); }
  // Why it does not run as it should, in words; unset: it does, or nothing is known.
  [[nodiscard]] std::optional<std::string> failure() const;
  // "live", "starting", "backoff", "crash-loop", "fatal", "stopping", "stopped", "deploying".
  [[nodiscard]] std::string_view state() const;
  [[nodiscard]] bool ended() const;  // nothing runs
  // Should it run?
  [[nodiscard]] bool wanted() const { return wanted_; }
  // What the deploy under way would bring; null: there is none.
  [[nodiscard]] const Generation* candidate() const { return deploy_ ? &deploy_->candidate() : nullptr; }
  // The newest deploy, also one that only waits for the old generation to end; null: none is unfinished.
  [[nodiscard]] const Deploy* unfinished_deploy() const {
    if (deploy_) return deploy_.get();
    return finishing_.empty() ? nullptr : finishing_.back().get();
  }
  // Set while it is stopped by a command.
  [[nodiscard]] const std::optional<spec::Stopped>& stopped() const { return stopped_; }
  // Is the newest state record on disk, or in trouble?
  [[nodiscard]] bool recorded() const { return !records_.asked(); }
  // Set while the state record on disk is behind.
  [[nodiscard]] const std::optional<RecordKeeper::Trouble>& record_trouble() const {
    return records_.trouble();
  }
  // The newest report that is not finished; null: no command is under way.
  [[nodiscard]] std::shared_ptr<Report> under_way() const;
  [[nodiscard]] const std::shared_ptr<Report>& last_deploy() const { return last_deploy_; }

 private:
  // A command that a client waits for.
  struct Wait {
    enum class For : std::uint8_t { healthy, scaled, stopped, killed, removed, aborted } what;
    std::shared_ptr<Report> report;
    std::shared_ptr<Report> deploy = {};  // aborted: the report of the deploy that it ends
    std::vector<Identity> killed = {};
    std::set<base::Slot> unwell = {};  // scaled: what was not healthy before, and is not waited for
    std::uint64_t serial = 0;          // stopped: of the record that says so
    bool placed = false;               // healthy: what it started has been told
  };

  void cut_over(bool parked) override;
  void cut_back() override;
  void withdraw() override;
  std::uint64_t record() override;

  void advance();
  [[nodiscard]] spec::AppState to_record() const;
  [[nodiscard]] bool unfinished(const Generation& generation) const;
  void note_recorded(const spec::AppState& state);
  void record_ends();
  struct Found;
  void rebuild(const spec::AppState& state, const spec::SlotsRecord* slots, const Found& found);
  void resume_deploy(spec::DeployState deploy, bool cut_over);
  [[nodiscard]] std::string progress(const Wait& wait) const;
  [[nodiscard]] std::string leaving_progress() const;
  void advance_waits();
  [[nodiscard]] bool settle_start(Wait& wait);
  void tell_places(Wait& wait) const;
  [[nodiscard]] bool settle_scale(Wait& wait);
  [[nodiscard]] bool settle_failure(Wait& wait);
  [[nodiscard]] bool settle_kill(Wait& wait);
  void fail_start(const Instance& culprit, ExitCode exit, Report& report);
  [[nodiscard]] bool runs_already() const;
  [[nodiscard]] std::string killed_text() const;
  [[nodiscard]] bool settle_stop(Wait& wait);
  [[nodiscard]] bool settle_remove(Wait& wait);
  [[nodiscard]] bool settle_abort(Wait& wait);
  [[nodiscard]] Generation* deployed_from();
  void forget_ended();
  Generation& add_generation(spec::SpecRef spec, Role role, std::optional<base::GenerationId> again);
  void remember(const std::shared_ptr<Report>& report, const Generation* concerned);
  void end_all(Haste haste);
  [[nodiscard]] std::expected<std::vector<Instance*>, Refused> selected(const Selection& which) const;
  [[nodiscard]] Instance* find(const Identity& who) const;
  template <class Event>
  void with_instance(const Identity& who, Event event);

  base::AppId id_;
  std::string name_;
  base::GenerationId last_generation_;
  Effects& effects_;
  const Knowledge& knowledge_;
  std::vector<std::unique_ptr<Generation>> generations_;
  Generation* live_ = nullptr;
  bool wanted_ = false;                   // the last request was to run, or a start is expected
  std::optional<spec::Stopped> stopped_;  // by a command, until a start or a deploy
  // Of the last start, until all instances are healthy or something else is asked for.
  struct StartFailure {
    std::string text;
    std::string words;  // what the app had said last
  };
  std::optional<StartFailure> start_failure_;
  bool removing_ = false;
  std::uint64_t changes_ = 0;
  RecordKeeper records_;
  // What the newest record names only until it has ended.
  std::vector<base::GenerationId> recorded_generations_;
  std::vector<base::GenerationId> recorded_deploys_;  // by the generation that each brings
  std::unique_ptr<Deploy> deploy_;                    // holds the slot
  std::vector<std::unique_ptr<Deploy>> finishing_;  // slot free; the generation that leaves drains and stops
  std::vector<Wait> waits_;
  std::shared_ptr<Report> last_deploy_;
};

}  // namespace gracevisor::decide
