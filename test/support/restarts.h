// Daemons that are killed below their keeper, and what must not notice. Thread: the test's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/count.h"
#include "support/daemon_process.h"

namespace gracevisor::test {

// Every process of the apps, with its start time (clock ticks since the boot), which no other process of that
// number has.
using Population = std::map<pid_t, std::uint64_t>;
[[nodiscard]] Population population(const DaemonProcess& daemon);

// Waits until another daemon than `former` answers at the control socket. Returns its pid, 0 if there is
// none.
[[nodiscard]] pid_t next_daemon(const DaemonProcess& daemon, pid_t former,
                                std::chrono::milliseconds patience = std::chrono::seconds(20));
// SIGKILL to the daemon, then next_daemon(); a test fails that finds none.
pid_t replace_daemon(const DaemonProcess& daemon);

[[nodiscard]] bool logged(const DaemonProcess& daemon, const std::string& what);
[[nodiscard]] bool wait_logged(const DaemonProcess& daemon, const std::string& what);
// Waits for the file NAME.up in the site's folder, by which a script says that its traps are set.
[[nodiscard]] bool wait_up(const Site& site, const std::string& name);

// The app's commands, as gvctl history has them; empty if it fails.
[[nodiscard]] std::vector<control::PastCommand> past_commands(const DaemonProcess& daemon,
                                                              const std::string& app);

// A process that does nothing (SIGSTOP) for as long as this lives.
class StoppedProcess {
 public:
  // Returns once it has stopped.
  explicit StoppedProcess(pid_t pid);
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;
  ~StoppedProcess() { go_on(); }
  void go_on();

 private:
  pid_t pid_;
};

}  // namespace gracevisor::test
