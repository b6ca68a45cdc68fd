// Who of a table is a process of the daemon before, and what becomes of it.
#include "supervise/former_processes.h"

#include <doctest/doctest.h>

#include <map>

using namespace gracevisor;
using namespace gracevisor::inspect;
using namespace gracevisor::spec;
using namespace gracevisor::supervise;

namespace {

constexpr pid_t kKeeper = 899;
constexpr pid_t kSelf = 900;
const std::string kId = "0123";

struct Machine {
  std::vector<base::ProcessEntry> entries;
  std::map<pid_t, ProcessMarks> marks;
  ProcessRecord record;

  // Process 1, the subreaper 50 that the keeper was started below, the keeper and the daemon.
  Machine() {
    add(1, 0, 1);
    add(50, 1, 50);
    add(kKeeper, 50, kKeeper, "gv-keeper");
    add(kSelf, kKeeper, kKeeper, "gracevisord");
  }
  base::ProcessEntry& add(pid_t pid, pid_t parent, pid_t session, const char* name = "app") {
    base::ProcessEntry entry;
    entry.pid = pid;
    entry.name = name;
    entry.state = 'S';
    entry.parent = parent;
    entry.group = entry.session = session;
    entry.started = 10;
    return entries.emplace_back(entry);
  }
  void mark(pid_t pid, const char* instance = "3.1", const std::string& state = kId) {
    marks[pid] = {state, "web", instance};
  }
  void remember(pid_t pid, std::uint64_t started = 10, config::Stop stop = {}) {
    record.processes.push_back({"web", "3.1", pid, started, std::move(stop)});
  }
  ConfiguredStops configured;
  Kept kept;
  // "ended 100", "named 101: why"; in the order of the numbers.
  [[nodiscard]] std::map<pid_t, std::string> judge() const {
    ProcessTable table = ProcessTable::of(entries);
    auto found = judge_former({table, kSelf, kKeeper, kept, kId, record,
                               [this](pid_t pid) -> std::optional<ProcessMarks> {
                                 auto it = marks.find(pid);
                                 return it == marks.end() ? std::nullopt : std::optional(it->second);
                               },
                               configured});
    std::map<pid_t, std::string> result;
    for (const auto& former : found) {
      CHECK(result.emplace(former.entry->pid, former.ended ? "ended" : former.why).second);
    }
    return result;
  }
};

using Verdicts = std::map<pid_t, std::string>;

}  // namespace

TEST_CASE("former processes: without marks and record nobody is") {
  Machine machine;
  machine.add(100, 1, 100);
  CHECK(machine.judge().empty());
}

TEST_CASE("former processes: of an app that the record does not know the files say how it ends") {
  Machine machine;
  machine.add(100, 1, 100);
  machine.mark(100);
  machine.configured["web"].leftover = config::Stop::Leftover::leave;
  CHECK(machine.judge() == Verdicts{{100, "stop.leftover = \"leave\""}});
  machine.remember(101);
  CHECK(machine.judge() == Verdicts{{100, "ended"}});
}

TEST_CASE("former processes: an orphan with our marks is ended, wherever the kernel gave it") {
  for (pid_t parent : {1, 50}) {
    Machine machine;
    machine.add(100, parent, 100);
    machine.mark(100);
    CHECK(machine.judge() == Verdicts{{100, "ended"}});
  }
  Machine machine;
  machine.add(60, 1, 60, "systemd");
  machine.add(100, 60, 100);
  machine.mark(100);
  CHECK(machine.judge() == Verdicts{{100, "ended"}});
}

TEST_CASE("former processes: marks of another state folder are another daemon's") {
  Machine machine;
  machine.add(100, 1, 100);
  machine.mark(100, "3.1", "ffff");
  machine.add(101, 1, 101);
  machine.mark(101, "3.1", "");
  CHECK(machine.judge().empty());
}

TEST_CASE("former processes: one whose parent lives is named only") {
  Machine machine;
  machine.add(70, 1, 70, "tmux");
  machine.add(100, 70, 100);
  machine.mark(100);
  CHECK(machine.judge() == Verdicts{{100, "its parent lives"}});
}

TEST_CASE("former processes: what belongs to no instance is named only") {
  Machine machine;
  machine.add(100, 1, 100);
  machine.mark(100, "");
  CHECK(machine.judge() == Verdicts{{100, "it is no instance"}});
}

TEST_CASE("former processes: the record tells a process that carries no marks by its number and start") {
  Machine machine;
  machine.add(100, 1, 100);
  machine.add(101, 100, 100);
  machine.add(102, 101, 102);
  machine.add(103, 1, 103);
  machine.remember(100);
  CHECK(machine.judge() == Verdicts{{100, "ended"}, {101, "ended"}, {102, "ended"}});
  machine.record.processes.front().started = 11;
  CHECK(machine.judge().empty());
}

TEST_CASE("former processes: of a recorded session are those with our marks, when its leader is gone") {
  Machine machine;
  machine.add(70, 1, 70);
  machine.add(101, 70, 100);
  machine.mark(101);
  machine.add(102, 70, 100);
  machine.remember(100);
  CHECK(machine.judge() == Verdicts{{101, "ended"}});
}

TEST_CASE("former processes: descendants go with them, also those whose parent lives") {
  Machine machine;
  machine.add(101, 102, 101);
  machine.mark(101);
  machine.add(102, 100, 102);
  machine.mark(102);
  machine.add(100, 1, 100);
  machine.mark(100);
  machine.add(99, 101, 99);
  CHECK(machine.judge() == Verdicts{{99, "ended"}, {100, "ended"}, {101, "ended"}, {102, "ended"}});
}

TEST_CASE("former processes: nobody below another living gracevisord is ended") {
  Machine machine;
  machine.add(80, 1, 80, "gv-keeper");
  machine.add(100, 80, 100);
  machine.mark(100);
  machine.remember(100);
  machine.add(101, 100, 101);
  machine.mark(101);
  CHECK(machine.judge() == Verdicts{{100, "it is below another gracevisord"}, {101, "its parent lives"}});
}

TEST_CASE("former processes: a nested gracevisord is asked to end itself and what is below it is not") {
  Machine machine;
  machine.add(100, 1, 100, "gv-keeper");
  machine.mark(100);
  machine.remember(100);
  machine.add(101, 100, 101);
  machine.mark(101);
  machine.add(102, 100, 102);
  CHECK(machine.judge() == Verdicts{{100, "ended"}, {101, "its parent lives"}});
}

TEST_CASE("former processes: the daemon, what is above it and what is below it are spared") {
  Machine machine;
  machine.mark(50);
  machine.mark(kSelf);
  machine.add(901, kSelf, 901);
  machine.mark(901);
  // Another shell of the same terminal multiplexer, which was started from an instance.
  machine.add(51, 50, 51);
  machine.mark(51);
  CHECK(machine.judge() == Verdicts{{51, "its parent lives"}});
}

TEST_CASE("former processes: where leftovers stay only the main process and its group are ended") {
  config::Stop stop;
  stop.leftover = config::Stop::Leftover::leave;
  Machine machine;
  machine.add(100, 1, 100);
  machine.add(101, 100, 100);
  machine.add(102, 1, 102);
  machine.mark(102);
  machine.remember(100, 10, stop);
  CHECK(machine.judge() == Verdicts{{100, "ended"}, {101, "ended"}, {102, "stop.leftover = \"leave\""}});
}

TEST_CASE("former processes: what is kept is spared, and what carries its marks since then") {
  Machine machine;
  machine.add(100, kKeeper, 100);
  machine.mark(100);
  machine.add(101, 100, 100);
  machine.kept.children = {100};
  CHECK(machine.judge().empty());
  // One that is being started: nobody knows its number yet. Its former one's leftover is older.
  machine.kept = {};
  machine.kept.living[{"web", "3.1"}] = 11;
  machine.entries.back().parent = 1;
  machine.mark(101);
  machine.add(102, kKeeper, 102).started = 11;
  machine.mark(102);
  CHECK(machine.judge() == Verdicts{{100, "ended"}, {101, "ended"}});
  // A reattached one's leftovers are its own.
  machine.kept.living[{"web", "3.1"}] = 0;
  CHECK(machine.judge().empty());
}
