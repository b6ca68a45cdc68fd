// Who belongs to an instance, and the end of all that: also of what left the group, or even the session.
#include "process/process_tree.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using base::ProcessEntry;
using testing::Bench;
using testing::command;
using testing::ends;
using testing::shell;

// A daemonised child: a session of its own, its parent gone. Prints its pid; `rest` follows.
std::string daemonised(const std::string& child, const std::string& rest) {
  return "(setsid sh -c '" + child + "; echo $$; exec sleep 1000' &); " + rest;
}

bool exists(pid_t pid) {
  auto entry = base::read_process_entry(pid);
  return entry && entry->lives();
}

ProcessEntry entry(pid_t pid, pid_t parent, pid_t group, pid_t session, std::uint64_t started = 1) {
  ProcessEntry result;
  result.pid = pid;
  result.state = 'S';
  result.parent = parent;
  result.group = group;
  result.session = session;
  result.started = started;
  return result;
}

std::vector<pid_t> members(ProcessTree& tree, std::vector<ProcessEntry> entries, bool reaped) {
  constexpr pid_t kSelf = 5;
  ProcessLook look(inspect::ProcessTable::of(std::move(entries)), kSelf, {100, 200});
  std::vector<pid_t> pids;
  for (const auto* member : tree.members(look, reaped)) pids.push_back(member->pid);
  std::ranges::sort(pids);
  return pids;
}

TEST_CASE("process entry: a name may hold anything, and nonsense is no entry") {
  auto read = base::parse_process_entry(
      "77 (a (b) c) S 1 70 60 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 123456 1 2 3 4 5 6 7 8 9");
  REQUIRE(read.has_value());
  CHECK(read->name == "a (b) c");
  CHECK(read->is(77, 123456));
  CHECK(read->parent == 1);
  CHECK(read->group == 70);
  CHECK(read->session == 60);
  CHECK(read->exiting);
  CHECK(read->lives());
  for (const char* nonsense : {"", "77", "77 (a", "77 (a) S 1", ") (", "(a) S 1 2 3 4 5 6 7 8 9"}) {
    CAPTURE(nonsense);
    CHECK_FALSE(base::parse_process_entry(nonsense).has_value());
  }
}

TEST_CASE("process marks: they are found wherever they stand, and only as whole variables") {
  using namespace std::string_literals;
  auto marks = inspect::marks_in("PATH=/bin\0GV_INSTANCE=3.1\0GV_APP=web\0GV_STATE=ff\0"s);
  REQUIRE(marks.has_value());
  CHECK(*marks == inspect::ProcessMarks{"ff", "web", "3.1"});
  CHECK(inspect::marks_in("GV_APP=web"s) == inspect::ProcessMarks{"", "web", ""});
  CHECK_FALSE(inspect::marks_in("XGV_APP=web\0A=GV_APP=web\0"s).has_value());
  CHECK_FALSE(inspect::marks_in(""s).has_value());
  auto own = inspect::read_marks(::getpid());
  CHECK_FALSE(own.marks.has_value());
  CHECK_FALSE(own.executing);
  CHECK_FALSE(inspect::read_marks(0x3fffffff).marks.has_value());
}

TEST_CASE("process marks: a process that is just executing a program has none yet, and it is known why") {
  const std::string again =
      "test $1 -eq 0 && echo $$; test $1 -lt 500 && exec sh -c \"$0\" \"$0\" $(($1 + 1)); exec sleep 1000";
  Bench bench;
  pid_t pid = std::stoi(bench.start_until_line(command({"/bin/sh", "-c", again, again, "0"})));
  std::size_t missing = 0;
  bool over = false;
  while (!over) {
    const inspect::MarksSeen seen = inspect::read_marks(pid);
    if (!seen.marks && !seen.executing) ++missing;
    auto entry = base::read_process_entry(pid);
    over = !entry || entry->name == "sleep";
  }
  CHECK(missing == 0);
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
}

TEST_CASE("process marks: an empty environment is no execution") {
  Bench bench;
  pid_t pid = std::stoi(bench.start_until_line(shell("echo $$; exec env -i sleep 1000")));
  // The name is the new program's while it is still executed.
  CHECK(bench.until([pid] {
    const inspect::MarksSeen seen = inspect::read_marks(pid);
    return base::read_process_entry(pid)->name == "sleep" && !seen.marks && !seen.executing;
  }));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
}

TEST_CASE("process tree: group, session and descendants belong to it, strangers do not") {
  ProcessTree tree(100, 0, std::nullopt);
  CHECK(members(tree,
                {entry(1, 0, 1, 1), entry(5, 1, 5, 5), entry(100, 5, 100, 100), entry(101, 100, 100, 100),
                 entry(102, 1, 102, 100), entry(103, 101, 103, 103), entry(104, 103, 103, 103),
                 entry(200, 5, 200, 200), entry(201, 200, 200, 200), entry(300, 1, 300, 300)},
                false) == std::vector<pid_t>{100, 101, 102, 103, 104});
}

TEST_CASE("process tree: one that was seen stays a member when its parent is gone") {
  ProcessTree tree(100, 0, std::nullopt);
  REQUIRE(members(tree, {entry(100, 5, 100, 100), entry(103, 100, 103, 103)}, false).size() == 2);
  CHECK(members(tree, {entry(103, 5, 103, 103), entry(104, 103, 103, 103)}, true) ==
        std::vector<pid_t>{103, 104});
  // Another process of that number is a stranger.
  CHECK(members(tree, {entry(103, 5, 103, 103, 2), entry(104, 1, 103, 103, 2)}, true).empty());
}

TEST_CASE("process tree: the number of a reaped leader means nobody once it was given away") {
  ProcessTree tree(100, 0, std::nullopt);
  CHECK(members(tree, {entry(101, 5, 100, 100)}, true) == std::vector<pid_t>{101});
  CHECK(members(tree, {entry(100, 9, 100, 100, 7), entry(102, 100, 100, 100, 7)}, true).empty());
  CHECK(members(tree, {entry(102, 1, 100, 100, 7)}, true).empty());
  ProcessTree other(100, 0, std::nullopt);
  CHECK(members(other, {entry(300, 1, 300, 300)}, true).empty());
  CHECK(members(other, {entry(102, 1, 100, 100, 7)}, true).empty());
}

TEST_CASE("process tree: the number of a reaped leader is still its own while its zombie is there") {
  ProcessTree tree(100, 7, std::nullopt);
  ProcessEntry leader = entry(100, 5, 100, 100, 7);
  leader.state = 'Z';
  CHECK(members(tree, {leader, entry(101, 5, 100, 100, 8)}, true) == std::vector<pid_t>{101});
  leader.started = 9;  // another one's
  CHECK(members(tree, {leader, entry(102, 5, 100, 100, 10)}, true) == std::vector<pid_t>{});
}

TEST_CASE("process tree: a group of which zombies alone are left is abandoned once their parent is gone") {
  const ProcessTree tree(100, 7, std::nullopt);
  const auto with_state = [](ProcessEntry entry, char state) {
    entry.state = state;
    return entry;
  };
  const auto abandoned = [&](std::vector<ProcessEntry> entries) {
    return tree.group_is_abandoned(ProcessLook(inspect::ProcessTable::of(std::move(entries)), 5, {}));
  };
  const ProcessEntry parent = entry(5, 1, 5, 5);
  const ProcessEntry zombie = with_state(entry(100, 1, 100, 100), 'Z');
  const ProcessEntry member = entry(101, 1, 100, 100);
  CHECK(abandoned({zombie}));
  CHECK(abandoned({zombie, with_state(member, 'X'), entry(200, 1, 200, 200)}));
  CHECK(abandoned({zombie, with_state(parent, 'Z')}));
  CHECK_FALSE(abandoned({zombie, parent}));
  CHECK_FALSE(abandoned({zombie, member}));
  // One that began while the table was read may be missing in it.
  CHECK_FALSE(abandoned({entry(200, 1, 200, 200)}));
}

TEST_CASE("process tree: a group that ignores every polite signal is killed") {
  Bench bench;
  auto line =
      bench.start_until_line(shell("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo $!; wait"));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGKILL, false}));
  CHECK(ends(std::stoi(line)));
}

TEST_CASE("process tree: a child in a group of its own, in the same session, is killed") {
  Bench bench;
  // With job control every background job gets its own group.
  auto line = bench.start_until_line(command({"/bin/bash", "-c", "set -m; sleep 1000 & echo $!; wait"}));
  REQUIRE(::getpgid(std::stoi(line)) == std::stoi(line));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK(ends(std::stoi(line)));
}

TEST_CASE("process tree: a child that began its own session is killed with its own children") {
  Bench bench;
  auto line = bench.start_until_line(shell("setsid sh -c 'sleep 1000 & echo $!; wait' & wait"));
  pid_t grandchild = std::stoi(line);
  REQUIRE(::getsid(grandchild) != bench.process->pid().value());
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK(ends(grandchild));
}

TEST_CASE("process tree: a stop that the main process obeys ends what it daemonised as well") {
  Bench bench;
  pid_t orphan = std::stoi(bench.start_until_line(shell(daemonised(":", "exec sleep 1000"))));
  REQUIRE(::getsid(orphan) != bench.process->pid().value());
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
  CHECK_FALSE(exists(orphan));
  // By the same signal, not by a kill.
  int status = 0;
  REQUIRE(::waitpid(orphan, &status, 0) == orphan);
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("process tree: a daemonised child is asked by each signal of the ladder and killed at its end") {
  Bench bench;
  pid_t orphan = std::stoi(bench.start_until_line(
      shell(daemonised("trap \"\" TERM INT", "trap 'exit 0' TERM; while :; do sleep 0.05; done"))));
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("exited"));
  CHECK(exists(orphan));
  bench.process->signal(SIGINT, Whom::group);
  for (int turn = 0; turn < 20; ++turn) bench.loop().run_once(true);
  CHECK(exists(orphan));
  CHECK_FALSE(bench.seen.saw("gone"));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK_FALSE(exists(orphan));
}

TEST_CASE("process tree: a crash ends what the main process daemonised") {
  Bench bench;
  pid_t orphan = std::stoi(bench.start_until_line(shell(daemonised("trap \"\" TERM", "sleep 1000 & wait"))));
  REQUIRE(::kill(bench.process->pid().value(), SIGSEGV) == 0);
  REQUIRE(bench.until("gone"));
  CHECK_FALSE(exists(orphan));
  CHECK_FALSE(bench.seen.saw("unkillable"));
}

TEST_CASE("process tree: exit 0 with a process left says that the command must stay in the foreground") {
  Bench bench;
  bench.run(shell("(setsid sh -c 'echo started; exec sleep 1000' &); read -r line </dev/null; exit 0"));
  REQUIRE(bench.seen.status.has_value());
  const auto* exited = std::get_if<spawn::Exited>(&*bench.seen.status);
  REQUIRE(exited != nullptr);
  CHECK(exited->code == 0);
  CHECK(exited->left >= 1);
  CHECK(text(spawn::Exited{0, 1}) ==
        "exit 0 with 1 process left: the command must stay in the foreground "
        "(gunicorn: no --daemon; nginx: daemon off)");
  CHECK(text(spawn::Exited{0, 2}) ==
        "exit 0 with 2 processes left: the command must stay in the foreground "
        "(gunicorn: no --daemon; nginx: daemon off)");
}

TEST_CASE("process tree: leftovers that are to stay are named, and it is gone when they are") {
  Bench bench;
  EndRules rules;
  rules.leftovers = Leftovers::leave;
  bench.start(shell(daemonised(":", "exec sleep 1000")), {}, rules);
  REQUIRE(bench.until([&] { return bench.seen.first_line().has_value(); }));
  pid_t orphan = std::stoi(*bench.seen.first_line());
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("left"));
  REQUIRE(bench.seen.left.size() == 1);
  CHECK(bench.seen.left.front().pid == base::Pid(orphan));
  bench.process->kill_tree();
  CHECK(exists(orphan));
  REQUIRE(::kill(orphan, SIGKILL) == 0);
  REQUIRE(bench.until("gone"));
}

TEST_CASE("process tree: an orphan of another instance is spared") {
  Bench bench;
  testing::Recorder other_seen;
  spawn::SpawnPlan plan = shell(daemonised(":", "exec sleep 1000"));
  plan.environment[1] = "GV_INSTANCE=42.2";
  auto other = Process::start(bench.around(), plan, testing::kName, other_seen.owner());
  REQUIRE(other.has_value());
  REQUIRE(bench.until([&other_seen] { return other_seen.first_line().has_value(); }));
  pid_t orphan = std::stoi(*other_seen.first_line());
  bench.run(shell("exit 1"));
  CHECK(exists(orphan));
  CHECK_FALSE(other_seen.saw("exited"));
  (*other)->kill_tree();
  REQUIRE(bench.until([&other_seen] { return other_seen.saw("gone"); }));
  CHECK_FALSE(exists(orphan));
}

}  // namespace
}  // namespace gracevisor::process
