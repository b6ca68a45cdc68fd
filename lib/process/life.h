// The life of one process, from the order to start it until nothing is left that came from it. Its output is
// read from our pipes; its Parent starts it, tells how it ended, and gives up its number.
//
//   ordered --started--> starting --"about to exec" byte, then EOF--> running --ended--> [counting] -->
//   exited
//      |                    \--error record, helper death, 10 s--> doomed --ended-----------------/     |
//      |  refused, 10 s                                                                                |
//      \--------------------------------------------------------------> gone <--nobody left-----------/
//
// Order at an exit (each step pins what the next one needs; those that look for others fall away if the
// parent says that there are none): it ended -> a process that ended by itself with 0 may have gone to the
// background, so the others are counted -> the rest of the group is killed while the zombie leader still pins
// the number -> it is reaped -> Ended -> what else it left is ended or named (tree_end.h) -> Gone. After the
// reap no signal is sent by number, nor after the end of one whose parent was gone by then: nothing pins
// that.
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
#include "loop/loop.h"
#include "loop/timer.h"
#include "process/child.h"
#include "process/end_rules.h"
#include "process/launch.h"
#include "process/surroundings.h"
#include "process/tree_end.h"

namespace gracevisor::process {

class Life final : public loop::Retirable, private ChildWatcher, private TreeEndObserver {
 public:
  // To be constructed in the turn in which the pipes were opened. No callback comes before the next turn.
  Life(const ProcessSurroundings& around, Beginning beginning, const ProcessOwner& owner,
       const EndRules& rules, const ProcessTimes& times);
  // Then one of these. spawn::Running is not reported of a program that was found running.
  void order(ChildOrder what);
  void follow(const std::optional<spawn::ExitStatus>& ended);

  // As in Process.
  [[nodiscard]] base::Pid pid() const noexcept { return base::Pid(child_.pid()); }
  [[nodiscard]] std::uint64_t started() const noexcept { return started_; }
  [[nodiscard]] bool running() const noexcept { return state_ == State::running; }
  void signal(int number, Whom whom);
  // An operator's: it is passed on while the process runs, and does not count as a request to end.
  void pass_signal(int number, Whom whom);
  void kill_tree();
  void resume_output();
  void drain_output() { drain(); }
  void set_end_rules(const EndRules& rules) noexcept;
  // No callback follows, nothing of it keeps the loop alive, and the process is left alone.
  void fall_silent();

 private:
  void send(int number, Whom whom);
  enum class State { ordered, starting, doomed, running, counting, exited, gone };

  // Takes the place of the owner after a Process is destroyed, until its Life is freed.
  class Nobody final : public ProcessObserver, public OutputSink {
   public:
    void take(OutputStream /*stream*/, std::string_view /*bytes*/) override {}
    void on_begun() override {}
    void on(const spawn::ProcessEvent& /*event*/) override {}
  };

  void deliver(OutputPipe* pipe, OutputStream stream);
  void on_started(std::expected<Spawned, spawn::SpawnFailed> started) override;
  void on_ended(const ChildEnd& ended) override;
  void begin(Spawned process);
  void await_running();
  void never_began(const spawn::SpawnFailed& failure);
  void read_report();
  void doom(const spawn::SpawnFailed& failure);
  void on_timer();
  void end(std::size_t others);
  [[nodiscard]] spawn::ExitStatus verdict(std::size_t others) const;
  void on_counted(std::size_t others) override { end(others); }
  void on_left(const std::vector<base::NamedProcess>& left) override { observer_->on(spawn::Left{left}); }
  void drain();
  void close_pipes();
  void on_tree_gone() override;
  void on_unkillable() override { observer_->on(spawn::Unkillable{}); }

  ProcessLooker& looker_;
  Parent& parent_;
  Nobody nobody_;
  ProcessObserver* observer_;
  OutputSink* output_;
  ProcessTimes times_;
  EndRules rules_;
  State state_ = State::ordered;
  std::optional<spawn::SpawnFailed> failure_;
  spawn::ExitStatus status_;  // once it has ended
  bool alone_ = false;        // and nothing that came from it was left then
  bool kill_passed_ = false;  // an operator's
  int signalled_ = 0;         // the last signal that we sent, to distinguish a requested end from any other
  Whom signalled_whom_ = Whom::main;
  std::uint64_t started_ = 0;

  Child child_;
  TreeEnd tree_;
  std::optional<inspect::ProcessMarks> marks_;  // state ordered, as is the next
  std::optional<Cgroup> cgroup_;
  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  std::unique_ptr<ReportPipe> report_;
  loop::Loop& loop_;
  loop::Timer timer_;  // ordered, starting: the spawn timeout
};

}  // namespace gracevisor::process
