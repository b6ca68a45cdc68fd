// The end of everything that came from one instance. The main process's end is not the tree's: the rest is
// looked for, and ended or named, until two looks in a row find no process.
//
//   watching --main process reaped--> polite (it was asked to end: so are they)   --none left--> gone
//      \                            \-> killing (it ended by itself)              --none left--> gone
//       \--kill()--> killing         \-> leaving (stop.leftover = "leave": named) --none left--> gone
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
  // A process has outlived SIGKILL by the given time.
  virtual void on_unkillable() = 0;

 protected:
  ~TreeEndObserver() = default;
};

class TreeEnd final : private LookAsker {
 public:
  // `child` and `looker` must outlive it, except as silence() says.
  TreeEnd(loop::Loop& loop, ProcessLooker& looker, const Child& child, Leftovers leftovers,
          base::Duration unkillable, TreeEndObserver& observer);
  TreeEnd(const TreeEnd&) = delete;
  TreeEnd& operator=(const TreeEnd&) = delete;
  ~TreeEnd() = default;

  void set_leftovers(Leftovers leftovers) noexcept { leftovers_ = leftovers; }
  // The child exists. `started`: as in its ProcessEntry; 0: not known.
  void watch(std::uint64_t started, std::optional<inspect::ProcessMarks> marks, std::optional<Cgroup> cgroup);
  [[nodiscard]] const std::optional<Cgroup>& cgroup() const { return tree_.cgroup(); }
  // Takes a look while the main process still holds its descendants together.
  void learn();
  // Asks how many others there are, before the main process is reaped; on_counted() follows.
  void count();
  // The main process is reaped. `asked`: the signal by which it was asked to end; 0: it ended by itself.
  void begin(int asked);
  // Sends a signal to every process that is left, once each, while they are asked politely.
  void signal(int number);
  // Sends SIGKILL to all, the main process too; does nothing in mode leaving.
  void kill();
  // The caller has sent SIGKILL: on_unkillable() follows if the tree does not end in the given time.
  void await_end();
  // For good: no callback follows, nothing is looked for, and the looker may be destroyed. Allowed in any
  // callback.
  void silence();

 private:
  enum class Mode : std::uint8_t { watching, polite, killing, leaving };

  void on_look(const ProcessLook& look) override;
  [[nodiscard]] bool wait_for_marks();
  void hunt(const inspect::ProcessTable::Members& members);
  void finish_hunt();
  [[nodiscard]] bool in_cgroup() const;
  void follow(const ProcessLook& look, const inspect::ProcessTable::Members& members);
  void tell(const ProcessLook& look, const inspect::ProcessTable::Members& members);
  void name(const inspect::ProcessTable::Members& members);
  void ask();
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
  bool silent_ = false;
  bool counting_ = false;
  bool hunting_ = false;  // processes are stopped before they are killed
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
