#include "support/restarts.h"

#include <doctest/doctest.h>

#include <csignal>

#include "base/process_entry.h"
#include "support/processes.h"
#include "support/temp_folder.h"
#include "support/wait.h"

namespace gracevisor::test {

Population population(const DaemonProcess& daemon) {
  Population all;
  const pid_t supervisor = daemon.pid();
  for (const pid_t pid : descendants_of(daemon.keeper())) {
    if (pid == supervisor) continue;
    // One that has ended meanwhile is not there any more.
    if (const auto entry = base::read_process_entry(pid)) all.emplace(pid, entry->started);
  }
  return all;
}

pid_t next_daemon(const DaemonProcess& daemon, pid_t former, std::chrono::milliseconds patience) {
  pid_t next = 0;
  const bool answers = wait_until(
      [&] {
        const auto status = daemon.status();
        if (!status || status->pid == former) return false;
        next = status->pid;
        return true;
      },
      patience);
  return answers ? next : 0;
}

pid_t replace_daemon(const DaemonProcess& daemon) {
  const pid_t former = daemon.pid();
  daemon.kill_daemon();
  const pid_t next = next_daemon(daemon, former);
  REQUIRE_MESSAGE(next > 0, daemon.log());
  return next;
}

bool logged(const DaemonProcess& daemon, const std::string& what) {
  return daemon.log().find(what) != std::string::npos;
}

bool wait_logged(const DaemonProcess& daemon, const std::string& what) {
  return wait_until([&] { return logged(daemon, what); });
}

bool wait_up(const Site& site, const std::string& name) {
  return wait_until([&] { return std::filesystem::exists(site.directory() / (name + ".up")); });
}

std::vector<control::PastCommand> past_commands(const DaemonProcess& daemon, const std::string& app) {
  const CommandResult told = daemon.ctl({"--json", "history", app});
  auto history = control::read_history(told.out);
  if (told.exit_code != 0 || !history) return {};
  return std::move(history->commands);
}

StoppedProcess::StoppedProcess(pid_t pid) : pid_(pid) {
  REQUIRE(::kill(pid, SIGSTOP) == 0);
  const std::string file = "/proc/" + std::to_string(pid) + "/status";
  REQUIRE(wait_until([&] { return content_of(file).find("(stopped)") != std::string::npos; }));
}

void StoppedProcess::go_on() {
  if (pid_ > 0) (void)::kill(pid_, SIGCONT);
  pid_ = 0;
}

}  // namespace gracevisor::test
