// One process that the supervisor owns, in its own session and process group: launched (launch.h), then
// followed to the end of everything that came from it (life.h). Callbacks come from the loop, never from
// inside a call to the Process. Thread: the supervisor's.
#pragma once

#include <expected>
#include <memory>
#include <optional>

#include "base/strong.h"
#include "process/end_rules.h"
#include "process/launch.h"
#include "process/life.h"
#include "process/surroundings.h"
#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::process {

class Process {
 public:
  // Orders `plan` to be started. An error means that no child exists and no callback follows; if it is the
  // parent that cannot start it, spawn::Ended and spawn::Gone follow.
  [[nodiscard]] static std::expected<std::unique_ptr<Process>, spawn::SpawnFailed> start(
      const ProcessSurroundings& around, const spawn::SpawnPlan& plan, ChildName name,
      const ProcessOwner& owner, const EndRules& rules = {}, const ProcessTimes& times = {});
  // Follows a process of a former daemon. spawn::Running comes only if its program does not run yet.
  [[nodiscard]] static std::unique_ptr<Process> reattach(const ProcessSurroundings& around, FoundChild found,
                                                         std::optional<inspect::ProcessMarks> marks,
                                                         const ProcessOwner& owner,
                                                         const EndRules& rules = {},
                                                         const ProcessTimes& times = {});
  Process(loop::Loop& loop, std::unique_ptr<Life> life) : loop_(loop), life_(std::move(life)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // A process that is still alive is left alone (the daemon's crash and shutdown paths have already decided
  // what happens to it). Allowed in any callback; none follows.
  ~Process();

  // 0 until its parent has started it.
  [[nodiscard]] base::Pid pid() const noexcept { return life_->pid(); }
  [[nodiscard]] bool running() const noexcept { return life_->running(); }
  // Together with pid() it identifies this process until the machine reboots; 0 when it could not be read.
  [[nodiscard]] std::uint64_t started() const noexcept { return life_->started(); }
  // To the main process (by pidfd) or to its whole group; SIGCONT follows, so that a stopped process acts on
  // it, except after signals that stop, continue or kill. Once it has exited: to the processes it left, if
  // those are to be ended as well, each with SIGCONT behind it.
  void signal(int number, Whom whom) { life_->signal(number, whom); }
  void pass_signal(int number, Whom whom) { life_->pass_signal(number, whom); }
  // SIGKILL to everything that came from it (process_tree.h), until Gone, even if the main process has
  // already exited. If leftovers stay: only to the main process or its group.
  void kill_tree() { life_->kill_tree(); }
  // What will become of it at its end.
  void set_end_rules(const EndRules& rules) { life_->set_end_rules(rules); }
  // There may be room now for output that was left in the pipes.
  void resume_output() { life_->resume_output(); }
  // Delivers what the pipes hold at this moment, whether or not there is room.
  void drain_output() { life_->drain_output(); }

 private:
  loop::Loop& loop_;
  std::unique_ptr<Life> life_;
};

}  // namespace gracevisor::process
