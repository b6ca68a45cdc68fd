// The life of one process, from the moment it exists until nothing is left that came from it. It is known by
// its pidfd, its output is read from our pipes, and only its Parent waits for it.
//
//   starting --"about to exec" byte, then EOF--> running --pidfd readable--> [counting] --> exited
//      \--error record, helper death, 10 s--> doomed -----------------------------------/   |
//                                                                        gone <--nobody left-/
//
// Order at an exit (each step pins what the next one needs): pidfd readable -> a process that ended by itself
// with 0 may have gone to the background, so the others are counted -> the rest of the group is killed while
// the zombie leader still pins the number -> it is reaped -> Ended -> what else it left is ended or named
// (tree_end.h) -> Gone. After the reap no signal is sent by number.
//
// It is freed only between loop turns (Loop::retire), so every function may go on after a callback in which
// the owner destroyed the Process. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/strong.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "process/child.h"
#include "process/end_rules.h"
#include "process/launch.h"
#include "process/surroundings.h"
#include "process/tree_end.h"

namespace gracevisor::process {

class Life final : public loop::Retirable, private TreeEndObserver {
 public:
  // To be constructed in the turn in which the process was launched, or in which the pipes of a process that
  // is running already were opened; spawn::Running is not reported for the latter. No callback comes before
  // the next turn.
  Life(const ProcessSurroundings& around, Launched launched, const ProcessOwner& owner, const EndRules& rules,
       const ProcessTimes& times);

  // As in Process.
  [[nodiscard]] base::Pid pid() const noexcept { return base::Pid(child_.pid()); }
  [[nodiscard]] std::uint64_t started() const noexcept { return started_; }
  void signal(int number, Whom whom);
  // An operator's: it is passed on while the process runs, and does not count as a request to end.
  void pass_signal(int number, Whom whom);
  void kill_tree();
  void resume_output();
  void set_end_rules(const EndRules& rules) noexcept;
  // No callback follows, nothing of it keeps the loop alive, and the process is left alone.
  void fall_silent();

 private:
  void send(int number, Whom whom);
  enum class State { starting, doomed, running, counting, exited, gone };

  // Takes the place of the owner after a Process is destroyed, until its Life is freed.
  class Nobody final : public ProcessObserver, public OutputSink {
   public:
    void take(OutputStream /*stream*/, std::string_view /*bytes*/) override {}
    void on(const spawn::ProcessEvent& /*event*/) override {}
  };

  void deliver(OutputPipe& pipe, OutputStream stream);
  void await_running();
  void watch_exit(const base::Expected<base::UniqueFd>& pidfd);
  void read_report();
  void doom(const spawn::SpawnFailed& failure);
  void on_timer();
  void on_spawn_timeout();
  void on_exit_hint();
  void end(std::size_t others);
  [[nodiscard]] spawn::ExitStatus verdict(const spawn::ExitStatus& raw, std::size_t others) const;
  void on_counted(std::size_t others) override { end(others); }
  void on_left(const std::vector<base::NamedProcess>& left) override { observer_->on(spawn::Left{left}); }
  void on_tree_gone() override;
  void on_unkillable() override { observer_->on(spawn::Unkillable{}); }

  loop::Loop& loop_;
  ProcessLooker& looker_;
  Nobody nobody_;
  ProcessObserver* observer_;
  OutputSink* output_;
  ProcessTimes times_;
  EndRules rules_;
  State state_ = State::starting;
  std::optional<spawn::SpawnFailed> failure_;
  int signalled_ = 0;  // the last signal that we sent, to distinguish a requested end from any other
  std::uint64_t started_ = 0;

  Child child_;
  TreeEnd tree_;
  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  std::unique_ptr<ReportPipe> report_;
  std::unique_ptr<loop::FdWatch> exit_watch_;  // of the child's pidfd, hence destroyed before it
  // starting: the spawn timeout; doomed without a pidfd: the next look for the exit.
  loop::Timer timer_;
};

}  // namespace gracevisor::process
