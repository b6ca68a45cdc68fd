// One child process: started through the spawn helper (spawn/launcher.h), known by its pidfd, in a session
// and process group of its own, its output read from pipes of our own.
//
//   starting --"about to exec" byte, then EOF--> running --pidfd readable--> exited --group empty--> gone
//      \--error record, helper death, 10 s--> doomed -----------------------/
//
// Order at an exit (each step pins what the next one needs): pidfd readable -> the rest of the group is
// killed while the zombie leader still pins the number -> waitid -> on_exited -> poll kill(-pgid, 0) until
// ESRCH -> on_gone. No real signal is sent after the reap. Callbacks come from the loop, never from inside a
// call to the Process. Thread: the supervisor's.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/strong.h"
#include "config/config.h"
#include "loop/loop.h"
#include "spawn/launcher.h"
#include "supervise/exit_status.h"
#include "supervise/spec.h"

namespace gracevisor::supervise {

enum class OutputStream { out, err };

class ProcessObserver {
 public:
  // The program runs (execve succeeded).
  virtual void on_running() = 0;
  // Bytes that the process wrote, at most 64 KiB per call; valid during the call.
  virtual void on_output(OutputStream stream, std::string_view bytes) = 0;
  // Is there a place for more of it? False: it stays in the pipe until resume_output().
  [[nodiscard]] virtual bool takes_output(OutputStream /*stream*/) { return true; }
  // The process ended or never began; all its output was delivered, but for what leftovers still write.
  virtual void on_exited(const ExitStatus& status) = 0;
  // Its whole process group is gone; nothing can hold its port any more. The Process may now be destroyed.
  virtual void on_gone() = 0;
  // It outlived SIGKILL by 10 s (uninterruptible sleep, or a zombie whose parent left the group); still
  // watched.
  virtual void on_unkillable() = 0;

 protected:
  ~ProcessObserver() = default;
};

// How long a process may take; tests are less patient.
struct ProcessTimes {
  base::Duration spawn = std::chrono::seconds(10);       // from the start to the program's exec
  base::Duration unkillable = std::chrono::seconds(10);  // from SIGKILL to the group's end
};

class Process {
 public:
  // Starts `plan`. Everything that can fail is reserved first; an error here means that no child exists and
  // no callback follows. `launcher` is needed during the call alone.
  [[nodiscard]] static std::expected<std::unique_ptr<Process>, SpawnFailed> start(
      loop::Loop& loop, const spawn::Launcher& launcher, const SpawnPlan& plan, ProcessObserver& observer,
      const ProcessTimes& times = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // A process that still lives is left alone (the daemon's crash and shutdown paths decide about it before).
  // Allowed in any callback; none follows.
  ~Process();

  [[nodiscard]] base::Pid pid() const noexcept;
  // To the main process (by pidfd) or to its whole group; SIGCONT follows, so that a stopped process acts on
  // it, but not after signals that stop, continue or kill. Nothing happens once it exited.
  void signal(int number, config::Stop::Scope scope);
  // SIGKILL to the group, to every process of its session and to all its descendants (process_tree.h); until
  // on_gone, even when the main process exited before.
  void kill_tree();
  // Output that was left in the pipes may have a place now.
  void resume_output();

 private:
  class Impl;
  Process(loop::Loop& loop, std::unique_ptr<Impl> impl);
  loop::Loop& loop_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::supervise
