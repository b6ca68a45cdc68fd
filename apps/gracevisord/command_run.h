// A short program of the daemon's own, run through the keeper like everything else, and what it wrote.
// Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "process/process.h"
#include "process/process_looker.h"
#include "spawn/plan.h"

namespace gracevisor::daemon {

class CommandRun final : private process::ProcessObserver, private process::OutputSink {
 public:
  struct Result {
    bool done = false;               // it exited with 0
    std::string how;                 // "exit 2"
    bool hindered = false;           // it did not run to its end, which is not its own fault
    std::vector<std::string> lines;  // of both streams, the last 50 at most
  };
  struct Command {
    std::vector<std::string> argv;  // argv[0] is the program's path
    std::string name;               // what the keeper calls it, beginning with '#'; one of a name at a time
    base::Duration patience{};      // until it is killed
    base::UniqueFd in = {};         // empty: nothing
    base::UniqueFd out = {};        // empty: its output is among Result::lines
    std::optional<spawn::Credentials> user = {};  // unset: the daemon's
    bool bare = false;  // in "/", with nothing but a PATH: not in the daemon's folder and environment
    std::optional<int> nice = {};  // unset: the daemon's
  };
  // `ended` runs once, never inside a call, and may destroy the run; destroyed before, the program is killed.
  CommandRun(loop::Loop& loop, process::Parent& parent, Command command, std::function<void(Result)> ended);
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;
  ~CommandRun();

 private:
  void on_begun() override {}
  void on(const spawn::ProcessEvent& event) override;
  void take(process::OutputStream stream, std::string_view bytes) override;
  void end(Result result);

  process::ProcessLooker looker_;
  std::function<void(Result)> ended_;
  std::string output_;
  std::string how_;
  bool done_ = false;
  bool late_ = false;
  bool hindered_ = false;
  loop::Timer patience_;
  loop::Timer failed_;  // it could not be ordered
  std::unique_ptr<process::Process> process_;
};

}  // namespace gracevisor::daemon
