// One deploy of one app, as a decider: start a generation, gate on health, write the state record, publish
// once, drain, guard, stop the old one.
//
//   checking --all healthy--> recording --written--> adopting --every worker has it--> guarding --over-->
//   finishing
//      |failure, timeout          |failure                        (guard 0 or no old: straight on) |old ended
//      v                          v                               |new one fails                            v
//   aborting <--------------------+                               v done
//      |candidate ended                                        rolling_back --new one ended--> rolled back
//      (13)
//      v
//   failed                  A failure before the publish has nothing to undo: nothing was published.
//
// advance() is level-triggered: it looks at the generations and takes the step that is due.
// Thread: the supervisor's.
#pragma once

#include <memory>
#include <string>

#include "supervise/generation.h"
#include "supervise/report.h"

namespace gracevisor::supervise {

// What the app does for its deploy.
class DeployHost {
 public:
  // The candidate becomes the live generation, the live one leaves; `parked`: it is kept ready while the
  // guard runs.
  virtual void cut_over(bool parked) = 0;
  // The other way round: the old generation serves again.
  virtual void cut_back() = 0;
  // Asks for the state record with `live` (null: none) as the live generation; on_recorded(serial) answers.
  virtual void record(const Generation* live, std::uint64_t serial) = 0;

 protected:
  ~DeployHost() = default;
};

class Deploy {
 public:
  enum class Phase : std::uint8_t {
    checking,
    recording,
    adopting,
    guarding,
    finishing,
    aborting,
    rolling_back,
    ended,
  };

  // `old` is null when the app has no live generation. Both outlive the deploy.
  Deploy(base::AppId app, Generation& candidate, Generation* old, DeployHost& host, Effects& effects,
         std::shared_ptr<Report> report);

  void begin();
  void advance();
  void on_timer(AppTimer timer);
  void on_recorded(std::uint64_t serial, const base::Expected<void>& written);
  void on_adopted(base::Epoch epoch);
  // Before the cutover: gives up (exit 6). Afterwards the guard ends at once.
  void abort(const std::string& reason);

  [[nodiscard]] Phase phase() const { return phase_; }
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
  [[nodiscard]] bool guarding() const { return phase_ == Phase::adopting || phase_ == Phase::guarding; }
  // "web@43 since 3 s, in checking"
  [[nodiscard]] std::string describe() const;

 private:
  void advance_checking();
  void advance_guard();
  void advance_finishing();
  void enter_guard();
  void fail(ExitCode exit, const Instance* culprit, const std::string& cause);
  void finish(const std::string& phase, const std::string& text, ExitCode exit);
  void say(const std::string& phase, const std::string& text);
  void say_started();
  void say_drained();
  void explain(const Instance& culprit);
  [[nodiscard]] EndpointCounts old_counts() const;
  [[nodiscard]] std::string seconds_since(base::TimePoint then) const;

  base::AppId app_;
  Generation& candidate_;
  Generation* old_;
  DeployHost& host_;
  Effects& effects_;
  std::shared_ptr<Report> report_;
  Phase phase_ = Phase::checking;
  AppCounts before_;          // the app's counts at the beginning
  std::uint64_t serial_ = 0;  // of the record asked for last
  base::Epoch cutover_epoch_;
  base::TimePoint cutover_at_{};
  EndpointCounts old_at_cutover_;
  bool started_said_ = false;
  bool drained_said_ = false;
  bool alert_said_ = false;
  ExitCode exit_ = ExitCode::done;  // aborting, rolling back: what the end will be
  std::string ending_;              // aborting, rolling back: the last line's text
};

[[nodiscard]] std::string_view text(Deploy::Phase phase);

}  // namespace gracevisor::supervise
