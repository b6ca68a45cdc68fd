// The end of everything that came from one instance. The main process's end is not the tree's: the rest is
// looked for, and ended or named, until two looks in a row find no process.
//
//   watching --main process reaped--> polite (it was asked to end: so are they)   --nobody left--> gone
//      \                            \-> killing (it ended by itself)              --"--
//       \--kill()--> killing         \-> leaving (stop.leftover = "leave": named) --"--
//
// Thread: the supervisor's.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "inspect/socket_holders.h"
#include "loop/timer.h"
#include "process/child.h"
#include "process/end_rules.h"
#include "process/process_looker.h"
#include "process/process_tree.h"

namespace gracevisor::process {

class TreeEndObserver {
 public:
  // The answer to count(): how many there are besides the main process.
  virtual void on_counted(std::size_t others) = 0;
  // These are left, and stay; called again when they change.
  virtual void on_left(const std::vector<base::NamedProcess>& left) = 0;
  virtual void on_tree_gone() = 0;
  // A process outlived SIGKILL for the time given.
  virtual void on_unkillable() = 0;

 protected:
  ~TreeEndObserver() = default;
};

class TreeEnd final : private LookAsker {
 public:
  // `child` and `looker` outlive it, except as silence() says.
  TreeEnd(loop::Loop& loop, ProcessLooker& looker, const Child& child, Leftovers leftovers,
          base::Duration unkillable, TreeEndObserver& observer);
  TreeEnd(const TreeEnd&) = delete;
  TreeEnd& operator=(const TreeEnd&) = delete;
  ~TreeEnd() = default;

  // The child is there.
  void watch(std::optional<inspect::ProcessMarks> marks);
  // Takes a look while the main process still holds its descendants together.
  void learn();
  // Before the main process is reaped, how many others are there? on_counted() follows.
  void count();
  // It is reaped. `asked`: it ended as it was asked to, by this signal; 0: by itself.
  void begin(int asked);
  // To every process that is left, once each, while they are asked politely.
  void signal(int number);
  // SIGKILL to all, the main process too.
  void kill();
  // SIGKILL was sent by the caller.
  void await_end();
  // No callback follows, and the looker may be destroyed.
  void silence();

 private:
  enum class Mode : std::uint8_t { watching, polite, killing, leaving };

  void on_look(const ProcessLook& look) override;
  [[nodiscard]] bool wait_for_marks();
  void hunt(const inspect::ProcessTable::Members& members);
  void finish_hunt();
  void follow(const ProcessLook& look, const inspect::ProcessTable::Members& members);
  void tell(const ProcessLook& look, const inspect::ProcessTable::Members& members);
  void name(const inspect::ProcessTable::Members& members);
  void look_now();
  void look_later(base::Duration longest);

  ProcessLooker& looker_;
  const Child& child_;
  Leftovers leftovers_;
  base::Duration unkillable_;
  TreeEndObserver& observer_;
  ProcessTree tree_;
  TreeHunt hunt_;
  Mode mode_ = Mode::watching;
  bool counting_ = false;
  bool hunting_ = false;  // stops before it kills
  int signal_ = 0;        // mode polite
  std::map<pid_t, std::uint64_t> told_;
  std::vector<base::NamedProcess> left_;
  unsigned quiet_looks_ = 0;
  std::optional<base::TimePoint> unsure_since_;
  base::Duration pause_;
  loop::Timer look_timer_;
  loop::Timer hunt_timer_;
  loop::Timer unkillable_timer_;
};

}  // namespace gracevisor::process
