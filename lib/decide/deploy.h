// One deploy of one app, as a decider: start a generation, gate on health, write the state record, publish
// once, drain, guard, stop the old one.
//
//   checking --all healthy--> recording --written--> adopting --every worker has it--> guarding --over-->
//   confirming --written--> finishing              (guard 0, no old, no endpoint: adopting to finishing)
//      |failure, timeout          |failure                        |the new one fails           |old ended
//      v                          v                               v                            v
//   aborting <--------------------+                  rolling_back (from guarding and         done
//      |candidate ended                              confirming) --new one ended--> rolled back (13)
//      v
//   failed                  A failure before the publish has no routes to undo: nothing was published.
//
// Its step is in the app's record (spec/deploy_state.h) before it is taken. The record of its begin is not
// waited for, that before the cutover is. If it is guarded and its old generation has a healthy instance, a
// second one is waited for: the first names the new generation beside the old one, to which a daemon that
// finds no process still returns; the second, at the end of the guard (confirming), names the new one alone.
// Until the second is on disk, the guard goes on and the old generation is kept. deploy_phase.h says what
// abort, stop and shutdown lead to, deploy_resume.cpp what a daemon that was restarted does.
//
// advance() is level-triggered: it looks at the generations and takes the step that is due.
// Thread: the supervisor's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decide/deploy_phase.h"
#include "decide/fact.h"
#include "decide/generation.h"
#include "decide/report.h"

namespace gracevisor::decide {

// What the app does for its deploy.
class DeployHost {
 public:
  // The candidate becomes the live generation, and the old live one leaves; `parked`: the old one is kept
  // ready during the guard.
  virtual void cut_over(bool parked) = 0;
  // The reverse: the old generation serves again.
  virtual void cut_back() = 0;
  // The old generation becomes the app's live one again, but neither serves: the app stops.
  virtual void withdraw() = 0;
  // Asks for a state record of what the app is and of the deploys' steps; writing is retried until it
  // succeeds. on_recorded() with the returned serial, or with a later one, reports the result of each try.
  virtual std::uint64_t record() = 0;

 protected:
  ~DeployHost() = default;
};

class Deploy {
 public:
  using Phase = DeployPhase;

  // `old` is null when the app has no live generation, or one that has ended. Both outlive the deploy.
  Deploy(base::AppId app, Generation& candidate, Generation* old, DeployHost& host,
         const Surroundings& around, std::shared_ptr<Report> report);

  void begin();
  // Instead of begin(): goes on with what a former daemon began. Its generations have been reattached.
  void resume(const spec::DeployState& state);
  void advance();
  void on_timer(AppTimer timer);
  void on_recorded(std::uint64_t serial, const base::Expected<void>& written);
  void on_adopted(base::Epoch epoch);
  // A command or the daemon's shutdown interrupts the deploy; `why` is worded for the report ("stopped by
  // root"). Returns the consequence.
  Consequence interrupt(Interruption what, const std::string& why);

  [[nodiscard]] Phase phase() const { return phase_; }
  // What the next record says of it.
  [[nodiscard]] spec::DeployStep step() const { return step_; }
  [[nodiscard]] spec::DeployState state() const;
  // Does it still hold the app's deploy slot?
  [[nodiscard]] bool holds_slot() const {
    return phase_ != Phase::finishing && phase_ != Phase::rolling_back && phase_ != Phase::ended;
  }
  [[nodiscard]] bool refers_to(const Generation& generation) const {
    return &candidate_ == &generation || old_ == &generation;
  }
  [[nodiscard]] const Generation& candidate() const { return candidate_; }
  [[nodiscard]] const Generation* old() const { return old_; }  // null: none
  [[nodiscard]] const std::shared_ptr<Report>& report() const { return report_; }
  [[nodiscard]] bool guarding() const {
    return phase_ == Phase::adopting || phase_ == Phase::guarding || phase_ == Phase::confirming;
  }
  // When the phase ends at the latest; unset: that is not known.
  [[nodiscard]] std::optional<base::TimePoint> until() const;
  // "web@43 since 3.0 s, in checking"
  [[nodiscard]] std::string describe() const;
  // What it is doing, for somebody who watches: "draining @42: 3 left after 2.3 s"; empty: nothing that takes
  // its time.
  [[nodiscard]] std::string progress() const;

 private:
  void advance_checking();
  void judge_time();
  void advance_guard();
  void advance_finishing();
  void enter_guard();
  void guard_for(base::Duration time);
  void leave_guard();
  void on_confirmed(const base::Expected<void>& written);
  void go_back(const std::string& cause);
  void withdraw(const std::string& why);
  [[nodiscard]] bool can_go_back() const;
  void disarm_timers();
  void fail(ExitCode exit, const Instance* culprit, const std::string& cause);
  void give_up(bool served);
  [[nodiscard]] std::string drain_progress() const;
  // deploy_report.cpp
  void tell(Fact::What what);
  void end(fact::DeployEnded ended);
  [[nodiscard]] fact::DeployEnded ending(ExitCode exit) const;
  [[nodiscard]] std::vector<std::pair<Identity, Whereabouts>> places() const;
  void tell_places();
  void tell_healthy();
  void tell_drained();
  [[nodiscard]] EndpointCounts old_counts() const;
  [[nodiscard]] fact::Traffic traffic() const;

  base::AppId app_;
  Generation& candidate_;
  Generation* old_;
  DeployHost& host_;
  Effects& effects_;
  const Knowledge& knowledge_;
  std::shared_ptr<Report> report_;
  Phase phase_ = Phase::checking;
  AppCounts before_;          // the app's counts at the beginning
  std::uint64_t serial_ = 0;  // of the record last asked for
  base::Epoch cutover_epoch_;
  base::TimePoint cutover_at_{};
  std::optional<base::TimePoint> guard_until_;
  EndpointCounts old_at_cutover_;
  bool guarded_ = false;      // the old generation is kept ready until the guard is over
  bool provisional_ = false;  // the record on disk names the candidate beside the old generation
  spec::DeployStep step_ = spec::DeployStep::spawning;
  std::optional<std::vector<std::pair<Identity, Whereabouts>>> places_told_;
  bool drained_told_ = false;
  bool helpless_told_ = false;
  bool unconfirmed_told_ = false;
  fact::DeployEnded ending_;  // aborting, rolling back: the fact to be told at the end
};

}  // namespace gracevisor::decide
