// The real gracevisord on a Site, below its keeper, with gvctl beside it. Thread: the test's.
//
// A daemon that ends by itself or by terminate() must leave no process behind, and no event source in a loop:
// that is checked at its end.
// Its standard error, which is its log, is shown when a check made here fails.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/messages.h"
#include "support/command.h"
#include "support/site.h"

namespace gracevisor::test {

// What status says is wrong, without its kinds.
[[nodiscard]] inline std::vector<std::string> texts(const std::vector<control::Problem>& problems) {
  std::vector<std::string> result;
  result.reserve(problems.size());
  for (const control::Problem& problem : problems) result.push_back(problem.text);
  return result;
}

class DaemonProcess {
 public:
  // Starts it and waits until its control socket answers, or until it has ended (then it is not running()).
  explicit DaemonProcess(const Site& site, const std::vector<std::string>& arguments = {},
                         const std::filesystem::path& program = GV_DAEMON);
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;
  // terminate(), if its end has not been seen yet.
  ~DaemonProcess();

  [[nodiscard]] bool running() { return command_->running(); }
  // The daemon's; 0 while there is none.
  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] pid_t keeper() const { return command_->pid(); }
  [[nodiscard]] std::string log() const { return command_->err(); }

  // gvctl with these arguments.
  [[nodiscard]] CommandResult ctl(const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds patience = std::chrono::seconds(30)) const;
  [[nodiscard]] std::unique_ptr<Command> ctl_beside(const std::vector<std::string>& arguments) const;

  // Over the control socket itself; unset when it does not answer.
  [[nodiscard]] std::optional<control::StatusReport> status() const;
  [[nodiscard]] std::optional<control::AppStatus> app(const std::string& name) const;
  // Waits until `count` instances of `name` are healthy.
  [[nodiscard]] bool wait_healthy(const std::string& name, std::size_t count,
                                  std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  // Waits until the app has this state ("live", "fatal", ...).
  [[nodiscard]] bool wait_state(const std::string& name, const std::string& state,
                                std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  // The pids of an app's healthy instances.
  [[nodiscard]] std::vector<pid_t> pids(const std::string& name) const;
  // Processes below the keeper, the daemon excepted.
  [[nodiscard]] std::size_t children() const;

  // To the keeper, which passes it on.
  void signal(int number) const { command_->signal(number); }
  // Waits for the end of the daemon and checks that none of its processes is left.
  CommandResult wait_end(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // SIGTERM, then wait_end().
  CommandResult terminate(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // SIGKILL to the daemon; the keeper starts another one. Waits until both can be: the keeper knows that it
  // serves, and each app that was started has its record.
  void kill_daemon() const;
  // As in a crash of the machine: SIGKILL to the keeper, the daemon, and the processes that they left
  // (leaving some is no failure).
  void crash();
  // SIGKILL to the keeper and the daemon alone: what was started lives on, for the next ones.
  void abandon();

 private:
  const Site& site_;
  std::unique_ptr<Command> command_;
  bool ended_ = false;
};

}  // namespace gracevisor::test
