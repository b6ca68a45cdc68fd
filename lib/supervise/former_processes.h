// The processes of a former daemon, found when its successor boots: the kernel does not end them with the
// daemon, so without this they would live on beside new ones.
//
// Marks are inherited, even by processes that are not instances (a terminal multiplexer started from one, a
// nested daemon and its apps). So only these are ended, with their descendants: a process whose number and
// start time are in the record of the state folder; and, unless its app has stop.leftover = "leave", a
// process that carries our marks, including an instance's, and is in a recorded session or has lost its
// parent. These are never ended: a process below another living keeper, the daemon itself, its ancestors (its
// keeper is one) and its descendants. All others with our marks are only named in the log. Thread: the main
// thread, at start-up.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "inspect/process_table.h"
#include "process/cgroup_home.h"
#include "spec/process_record.h"

namespace gracevisor::supervise {

struct FormerProcess {
  const inspect::ProcessTable::Entry* entry = nullptr;
  std::string app;
  std::string instance;  // empty: it belongs to no instance
  bool main = false;     // it is in the record itself
  bool ended = false;    // false: it is only named
  config::Stop stop;
  std::string why;  // why it is only named
};

// By app: how the files say that its processes end. It counts for an app that the record does not know, since
// the daemon was killed before it could write that.
using ConfiguredStops = std::map<std::string, config::Stop>;

// Those of which somebody else takes care, if the keeper outlived the daemon.
struct Kept {
  std::set<pid_t> children;  // with all their descendants
  // By app and instance: what carries their marks, if it started (in clock ticks) at this time or later.
  std::map<std::pair<std::string, std::string>, std::uint64_t> living;
};

struct FormerQuestion {
  const inspect::ProcessTable& table;
  pid_t self = 0;
  pid_t keeper = 0;
  const Kept& kept;
  const std::string& state_id;
  const spec::ProcessRecord& record;
  std::function<std::optional<inspect::ProcessMarks>(pid_t)> marks_of;
  const ConfiguredStops& configured;
};
// A decider: which processes of the table are former ones, and what becomes of each.
[[nodiscard]] std::vector<FormerProcess> judge_former(const FormerQuestion& question);

// Ends them by the stop ladders in the record (without one: as configured, or SIGTERM, 30 s, SIGKILL), and
// says so in the log; over when none is left, at the latest 10 s after the last SIGKILL.
class FormerEnd {
 public:
  struct Subject {
    pid_t keeper = 0;
    std::string state_id;
    spec::ProcessRecord record = {};
    ConfiguredStops configured = {};
    // Asked before each look: others are started meanwhile.
    std::function<Kept()> kept = [] { return Kept(); };
    // What is in a cgroup of ours counts as marked, whatever its environment says.
    std::function<std::map<pid_t, process::CgroupHome::Member>()> members = [] {
      return std::map<pid_t, process::CgroupHome::Member>();
    };
  };
  FormerEnd(base::Log& log, Subject subject);
  FormerEnd(const FormerEnd&) = delete;
  FormerEnd& operator=(const FormerEnd&) = delete;
  ~FormerEnd();

  // To its end; blocks. A signal that asks the daemon to stop (blocked at this point) cuts the ladders short:
  // SIGKILL at once.
  void run();
  // A look at all processes, and what follows from it. Returns when to look again; unset: it is over.
  [[nodiscard]] std::optional<base::Duration> step();

 private:
  class Ladder;
  std::unique_ptr<Ladder> ladder_;
};

}  // namespace gracevisor::supervise
