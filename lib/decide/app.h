// One app: its generations, the deploy that holds its slot, and what commands ask of it. A decider.
//
// At most one generation is live. A candidate exists while a deploy runs; leaving generations drain and stop
// beside the next deploy. A stopped app keeps its last generation, although it has ended, for `start` to
// start again. That it was stopped is in its state record, and lasts until a start or a deploy. Thread: the
// supervisor's.
#pragma once

#include <deque>
#include <memory>
#include <optional>
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

class App final : private DeployHost {
 public:
  App(base::AppId id, std::string name, base::GenerationId last_generation, Effects& effects);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App() = default;

  // The daemon is booting, and this app will be started shortly: until start() its clients wait. False: it
  // will not be started after all.
  void expect_start(bool expected);
  // It was stopped by a command before the daemon ended, and stays stopped. `spec` is that of generation
  // `again`, which served last; null: none had served.
  void stay_stopped(const spec::Stopped& by, spec::SpecRef spec, base::GenerationId again);

  // Commands. Each takes a report that is finished when the command is done; a refusal takes nothing.
  // The first start: `again` is the number of the generation that was live before the daemon ended, if any.
  [[nodiscard]] std::expected<void, Refused> start(spec::SpecRef spec, std::shared_ptr<Report> report,
                                                   std::optional<base::GenerationId> again = std::nullopt);
  [[nodiscard]] std::expected<void, Refused> can_deploy() const;  // busy, or not
  [[nodiscard]] std::expected<void, Refused> deploy(spec::SpecRef spec, std::shared_ptr<Report> report);
  // Also ends a deploy, in any phase: a client that waits for the deploy gets exit 6.
  [[nodiscard]] std::expected<void, Refused> stop(const spec::Stopped& by, bool now,
                                                  std::shared_ptr<Report> report);
  // Undoes the deploy under way: before its cutover the deploy gives up (exit 6), within its guard the old
  // generation serves again (exit 13).
  [[nodiscard]] std::expected<void, Refused> abort(uid_t by, std::shared_ptr<Report> report);
  // The daemon ends: a running deploy is aborted first; then everything leaves. `now` skips the drain, `kill`
  // also the stop ladder.
  void abort_deploy();
  void shut_down(bool now, bool kill);

  // Events. Those of past incarnations are dropped.
  void on(const Identity& who, const spawn::ProcessEvent& event);
  void on_probe(const Identity& who, const routing::ProbeReport& report);
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
  // The generation that serves, or served last; null before the first start.
  [[nodiscard]] const Generation* live() const { return live_; }
  // Every generation of which anything is left, the live one first.
  [[nodiscard]] std::vector<const Generation*> generations() const;
  // Adds its instances that are to be stopped as soon as no worker can touch them.
  void add_draining(std::vector<Identity>& into) const;
  // What clients get while there is no healthy instance.
  [[nodiscard]] routing::AppMode mode() const;
  // What a cut-back would restore: the generation before the live one, during a deploy's guard; null: none.
  [[nodiscard]] const Generation* fallback() const { return guarding() ? deploy_->old() : nullptr; }
  // Guarding: both generations are probed at guard_interval.
  [[nodiscard]] bool guarding() const { return deploy_ && deploy_->guarding(); }
  // "live", "starting", "backoff", "crash-loop", "fatal", "stopping", "stopped", "deploying".
  [[nodiscard]] std::string_view state() const;
  [[nodiscard]] bool ended() const;  // nothing runs
  // Set while it is stopped by a command.
  [[nodiscard]] const std::optional<spec::Stopped>& stopped() const { return stopped_; }
  // Set while the state record on disk is behind.
  [[nodiscard]] const std::optional<RecordKeeper::Trouble>& record_trouble() const {
    return records_.trouble();
  }
  [[nodiscard]] const std::deque<std::shared_ptr<Report>>& history() const { return history_; }
  [[nodiscard]] const std::shared_ptr<Report>& last_deploy() const { return last_deploy_; }

 private:
  // A start, a stop or an abort that a client waits for.
  struct Wait {
    enum class For : std::uint8_t { healthy, stopped, aborted } what;
    std::shared_ptr<Report> report;
    std::shared_ptr<Report> deploy = {};  // aborted: the deploy it ends
  };

  void cut_over(bool parked) override;
  void cut_back() override;
  void withdraw() override;
  std::uint64_t record(Record what) override;

  void advance();
  void advance_waits();
  [[nodiscard]] bool settle_start(Wait& wait);
  [[nodiscard]] bool settle_stop(Wait& wait);
  [[nodiscard]] bool settle_abort(Wait& wait);
  [[nodiscard]] Generation* deployed_from();
  void forget_ended();
  Generation& add_generation(spec::SpecRef spec, Role role, std::optional<base::GenerationId> again);
  void remember(std::shared_ptr<Report> report);
  template <class Event>
  void with_instance(const Identity& who, Event event);

  base::AppId id_;
  std::string name_;
  base::GenerationId last_generation_;
  Effects& effects_;
  std::vector<std::unique_ptr<Generation>> generations_;
  Generation* live_ = nullptr;
  bool wanted_ = false;                   // the last request was to run, or a start is expected
  std::optional<spec::Stopped> stopped_;  // by a command, lasting
  RecordKeeper records_;
  std::unique_ptr<Deploy> deploy_;                  // holds the slot
  std::vector<std::unique_ptr<Deploy>> finishing_;  // cutover done; the old one drains and stops
  std::vector<Wait> waits_;
  std::deque<std::shared_ptr<Report>> history_;  // newest last
  std::shared_ptr<Report> last_deploy_;
};

}  // namespace gracevisor::decide
