// One child process: started through the spawn helper (spawn/launcher.h), known by its pidfd, in its own
// session and process group, its output read from our pipes.
//
//   starting --"about to exec" byte, then EOF--> running --pidfd readable--> [counting] --> exited
//      \--error record, helper death, 10 s--> doomed -----------------------------------/   |
//                                                                        gone <--nobody left-/
//
// Order at an exit (each step pins what the next one needs): pidfd readable -> a process that ended by itself
// with 0 may have gone to the background, so the others are counted -> the rest of the group is killed while
// the zombie leader still pins the number -> waitid -> Ended -> what else it left is ended or named
// (tree_end.h) -> Gone. After the reap no signal is sent by number. Callbacks come from the loop, never from
// inside a call to the Process. Thread: the supervisor's.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/strong.h"
#include "inspect/socket_holders.h"
#include "loop/loop.h"
#include "process/end_rules.h"
#include "process/process_looker.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"
#include "spawn/process_event.h"

namespace gracevisor::process {

enum class OutputStream { out, err };

class ProcessObserver {
 public:
  // Bytes that the process wrote, at most 64 KiB per call; valid during the call.
  virtual void on_output(OutputStream stream, std::string_view bytes) = 0;
  // Is there room for more output? False: it stays in the pipe until resume_output().
  [[nodiscard]] virtual bool takes_output(OutputStream /*stream*/) { return true; }
  // After spawn::Gone the Process may be destroyed, as it may be in any callback.
  virtual void on(const spawn::ProcessEvent& event) = 0;

 protected:
  ~ProcessObserver() = default;
};

// How long a process may take; tests are less patient.
struct ProcessTimes {
  base::Duration spawn = std::chrono::seconds(10);       // from the start to the program's exec
  base::Duration unkillable = std::chrono::seconds(10);  // from SIGKILL to the tree's end
};

// What a Process needs; all of it outlives the Process.
struct ProcessSurroundings {
  loop::Loop& loop;
  const spawn::Launcher& launcher;  // during start() only
  ProcessLooker& looker;
};

class Process {
 public:
  // Starts `plan`. Everything that can fail is reserved first; an error here means that no child exists and
  // no callback follows.
  [[nodiscard]] static std::expected<std::unique_ptr<Process>, spawn::SpawnFailed> start(
      const ProcessSurroundings& around, const spawn::SpawnPlan& plan, ProcessObserver& observer,
      const EndRules& rules = {}, const ProcessTimes& times = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // A process that is still alive is left alone (the daemon's crash and shutdown paths have decided about it
  // before). Allowed in any callback; none follows.
  ~Process();

  [[nodiscard]] base::Pid pid() const noexcept;
  // Together with pid() it identifies this process until the machine reboots; 0 when it could not be read.
  [[nodiscard]] std::uint64_t started() const noexcept;
  // To the main process (by pidfd) or to its whole group; SIGCONT follows, so that a stopped process acts on
  // it, except after signals that stop, continue or kill. Once it has exited: to the processes it left, if
  // those are to be ended as well.
  void signal(int number, Whom whom);
  // SIGKILL to everything that came from it (process_tree.h), until Gone, even if the main process exited
  // before. If leftovers stay: only to the main process or its group.
  void kill_tree();
  // There may be room now for output that was left in the pipes.
  void resume_output();

 private:
  class Impl;
  Process(loop::Loop& loop, std::unique_ptr<Impl> impl);
  loop::Loop& loop_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::process
