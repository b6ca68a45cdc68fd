// The processes of a daemon that is no more, found when its successor boots: the kernel ends nobody with the
// daemon, so without this they would live on beside new ones.
//
// Marks are inherited, also by what is nobody's instance (a terminal multiplexer that was started from one, a
// nested daemon and its apps). So only these are ended: a process whose number and start time are in the
// record of the state folder; and one that carries our marks, an instance's, and is in a recorded session or
// has lost its parent; with their descendants. Never one below another living gracevisord, nor the daemon
// itself, what is above and what is below it. Everybody else with our marks is named. Thread: the start-up's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "inspect/process_table.h"
#include "spec/process_record.h"

namespace gracevisor::supervise {

struct FormerProcess {
  const inspect::ProcessTable::Entry* entry = nullptr;
  std::string app;
  std::string instance;  // empty: of no instance
  bool main = false;     // in the record itself
  bool ended = false;    // or only named
  config::Stop stop;
  std::string why;  // it is only named
};

struct FormerQuestion {
  const inspect::ProcessTable& table;
  pid_t self = 0;
  const std::string& state_id;
  const spec::ProcessRecord& record;
  std::function<std::optional<inspect::ProcessMarks>(pid_t)> marks_of;
};
// A decider: who of the table is a former process, and what becomes of it.
[[nodiscard]] std::vector<FormerProcess> judge_former(const FormerQuestion& question);

// Ends them by the ladders in the record (without one: SIGTERM, 30 s, SIGKILL), says so in the log, and
// returns when none is left, at the latest 10 s after the last SIGKILL. A signal that asks the daemon to stop
// (it is blocked by now) ends the waiting: SIGKILL at once.
void end_former_processes(base::Log& log, const std::string& state_id, const spec::ProcessRecord& record);

}  // namespace gracevisor::supervise
