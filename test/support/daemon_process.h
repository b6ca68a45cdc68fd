// The real gracevisord on a Site, with gvctl beside it.
//
// A daemon that ends by itself or by terminate() must leave no process behind: that is checked at its end.
// Its standard error, which is its log, is shown when a check of it fails.
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

class DaemonProcess {
 public:
  // Starts it and waits until its control socket answers, or it ended (then it is not running()).
  explicit DaemonProcess(const Site& site, const std::vector<std::string>& arguments = {},
                         const std::filesystem::path& program = GV_DAEMON);
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;
  // terminate(), if it still runs.
  ~DaemonProcess();

  [[nodiscard]] bool running() { return command_->running(); }
  [[nodiscard]] pid_t pid() const { return command_->pid(); }
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
  // Processes below the daemon.
  [[nodiscard]] std::size_t children() const;

  void signal(int number) const { command_->signal(number); }
  // Waits for the end of the daemon and checks that no process of it is left.
  CommandResult wait_end(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // SIGTERM, then wait_end().
  CommandResult terminate(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // As in a crash: SIGKILL to the daemon, then to what it left, of which nothing is expected.
  void crash();
  // SIGKILL to the daemon alone: what it started lives on, for the daemon after it.
  void abandon();

 private:
  const Site& site_;
  std::unique_ptr<Command> command_;
  bool ended_ = false;
};

}  // namespace gracevisor::test
