// kill_tree(): what left the group, or even the session.
#include "supervise/process_tree.h"

#include <sys/wait.h>

#include <csignal>

#include "unit/supervise/process_fixture.h"

namespace gracevisor::supervise {
namespace {

using testing::Bench;
using testing::command;
using testing::ends;
using testing::shell;

TEST_CASE("process tree: a group that ignores every polite signal is killed") {
  Bench bench;
  auto line =
      bench.start_until_line(shell("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo $!; wait"));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == ExitStatus(Signaled{SIGKILL, false}));
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

TEST_CASE("process tree: an orphan that came to the daemon is known by its marks, also after the exit") {
  Bench bench;
  // The parent in between ends, so nothing but the environment still tells where the orphan came from.
  auto line = bench.start_until_line(shell("(setsid sh -c 'echo $$; exec sleep 1000' &); sleep 1000"));
  pid_t orphan = std::stoi(line);
  REQUIRE(::getsid(orphan) != bench.process->pid().value());
  kill_process_tree({bench.process->pid().value(), true, {"GV_APP=web", "GV_INSTANCE=42.2"}});
  REQUIRE(bench.until("gone"));
  REQUIRE_MESSAGE(::kill(orphan, 0) == 0, "the marks of another instance must not match");
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(orphan), &info, WEXITED | WNOHANG | WNOWAIT) == 0);
  REQUIRE(info.si_pid == 0);
  kill_process_tree({bench.process->pid().value(), false, {"GV_APP=web", "GV_INSTANCE=42.1"}});
  CHECK(ends(orphan));
  REQUIRE(::waitid(P_PID, static_cast<id_t>(orphan), &info, WEXITED) == 0);
  CHECK(info.si_status == SIGKILL);
}

TEST_CASE("process tree: strangers are spared") {
  Bench bench;
  testing::Recorder other_seen;
  auto other = Process::start(bench.loop(), bench.launcher, shell("echo ready; exec sleep 1000"), other_seen);
  REQUIRE(other.has_value());
  REQUIRE(bench.until([&other_seen] { return other_seen.first_line().has_value(); }));
  // It has the same marks but another leader is asked for: as our own child of another name it would match,
  // so the marks here are those of nobody.
  kill_process_tree({::getpid() + 1000000, false, {"GV_APP=nobody", "GV_INSTANCE=1.1"}});
  for (int turn = 0; turn < 3; ++turn) bench.loop().run_once(false);
  CHECK(other_seen.events == std::vector<std::string>{"running"});
  (*other)->kill_tree();
  REQUIRE(bench.until([&other_seen] { return other_seen.saw("gone"); }));
}

}  // namespace
}  // namespace gracevisor::supervise
