// The life of a process: running, its output, its exit, and the end of its group.
#include "process/process.h"

#include <sys/wait.h>

#include <csignal>
#include <numeric>

#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using testing::Bench;
using testing::command;
using testing::ends;
using testing::shell;

TEST_CASE("process: a program runs, writes, exits and is gone, in this order") {
  Bench bench;
  bench.run(shell("echo hello; echo trouble >&2; exit 3"));
  CHECK(bench.seen.events == std::vector<std::string>{"running", "exited", "gone"});
  CHECK(bench.seen.out == "hello\n");
  CHECK(bench.seen.err == "trouble\n");
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{3}));
}

TEST_CASE("process: no callback runs inside start") {
  Bench bench;
  bench.start(shell("exit 0"));
  REQUIRE(ends(bench.process->pid().value()));
  CHECK(bench.seen.events.empty());
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.events == std::vector<std::string>{"running", "exited", "gone"});
}

TEST_CASE("process: a death by signal is told as such, not as 128 and something") {
  Bench bench;
  bench.run(shell("kill -USR1 $$"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGUSR1, false}));
}

TEST_CASE("process: megabytes of output arrive whole") {
  Bench bench;
  bench.run(command({"/usr/bin/seq", "1", "300000"}));
  std::string expected;
  for (int i = 1; i <= 300000; ++i) expected += std::to_string(i) + "\n";
  CHECK(expected.size() > 1900000);
  CHECK(bench.seen.out == expected);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{0}));
}

TEST_CASE("process: what was written before the exit is delivered before its end is told") {
  Bench bench;
  // Less than a pipe holds, so that the program ends without a reader.
  bench.start(command({"/usr/bin/seq", "1", "9000"}));
  REQUIRE(ends(bench.process->pid().value()));
  REQUIRE(bench.until("exited"));
  CHECK(bench.seen.out_at_exit.ends_with("\n9000\n"));
  CHECK(bench.seen.out_at_exit == bench.seen.out);
  REQUIRE(bench.until("gone"));
}

TEST_CASE("process: a signal to the group reaches grandchildren") {
  Bench bench;
  // The shell itself survives: only if the grandchild gets the signal too does `wait` return.
  auto line = bench.start_until_line(
      shell("trap 'echo caught' TERM; sh -c 'echo $$; exec sleep 1000' & wait; wait; exit 5"));
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.out == line + "\ncaught\n");
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{5}));
  CHECK(ends(std::stoi(line)));
}

TEST_CASE("process: a signal to the main process spares its children") {
  Bench bench;
  (void)bench.start_until_line(shell(
      "trap 'exit 6' USR1; sh -c \"trap 'echo child was told' USR1; echo ready; sleep 1000 & wait\" & wait"));
  bench.process->signal(SIGUSR1, Whom::main);
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{6}));
  CHECK(bench.seen.out.find("child was told") == std::string::npos);
}

TEST_CASE("process: a stopped process is continued, so that it can act on the signal") {
  Bench bench;
  for (auto scope : {Whom::main, Whom::group}) {
    bench.seen = {};
    (void)bench.start_until_line(shell("echo ready; exec sleep 1000"));
    bench.process->signal(SIGSTOP, scope);
    bench.process->signal(SIGTERM, scope);
    REQUIRE(bench.until("gone"));
    CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
  }
}

TEST_CASE("process: what is left of the group dies with the main process") {
  Bench bench;
  auto line = bench.start_until_line(shell("trap '' TERM HUP INT; sleep 1000 & echo $!; exit 0"));
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{0, 1}));
  CHECK(ends(std::stoi(line)));
}

TEST_CASE("process: signals after the exit go nowhere") {
  Bench bench;
  bench.run(shell("exit 0"));
  bench.process->signal(SIGKILL, Whom::group);
  bench.process->signal(SIGKILL, Whom::main);
  bench.process->kill_tree();
  CHECK(bench.seen.events == std::vector<std::string>{"running", "exited", "gone"});
}

TEST_CASE("process: a group that outlives its kill is reported, watched, and gone in the end") {
  Bench bench;
  ProcessTimes times;
  times.unkillable = std::chrono::milliseconds(50);
  bench.start(command({GV_PROCESS_APP, "keep-zombie"}), times);
  REQUIRE(bench.until("unkillable"));
  CHECK(bench.seen.events == std::vector<std::string>{"running", "exited", "unkillable"});
  REQUIRE(bench.seen.first_line().has_value());
  REQUIRE(::kill(std::stoi(*bench.seen.first_line()), SIGKILL) == 0);
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.events.back() == "gone");
}

TEST_CASE("process: many live side by side and each has its own status") {
  constexpr int kMany = 40;
  Bench bench;
  std::vector<testing::Recorder> seen(kMany);
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < kMany; ++i) {
    auto started =
        Process::start(bench.around(), shell("echo " + std::to_string(i) + "; exit " + std::to_string(i)),
                       testing::kName, seen[static_cast<std::size_t>(i)].owner());
    REQUIRE(started.has_value());
    processes.push_back(std::move(*started));
  }
  REQUIRE(bench.until([&seen] {
    return std::accumulate(seen.begin(), seen.end(), 0,
                           [](int n, const auto& s) { return n + s.saw("gone"); }) == kMany;
  }));
  for (int i = 0; i < kMany; ++i) {
    CHECK(*seen[static_cast<std::size_t>(i)].status == spawn::ExitStatus(spawn::Exited{i}));
    CHECK(seen[static_cast<std::size_t>(i)].out == std::to_string(i) + "\n");
  }
}

// Destroys the Process in the named callback.
struct Quitter final : ProcessObserver, OutputSink {
  explicit Quitter(std::string at) : at_(std::move(at)) {}
  void take(OutputStream /*stream*/, std::string_view /*bytes*/) override { event("output"); }
  void on_begun() override {}
  void on(const spawn::ProcessEvent& what) override { event(testing::name_of(what)); }
  void event(const std::string& name) {
    CHECK(process != nullptr);
    if (name != at_) return;
    process.reset();
  }
  std::string at_;
  std::unique_ptr<Process> process;
};

TEST_CASE("process: it may be destroyed in any callback, and none follows") {
  Bench bench;
  for (const char* where : {"running", "output", "exited", "gone"}) {
    CAPTURE(where);
    Quitter quitter(where);
    auto started = Process::start(bench.around(), shell("echo out; echo err >&2; exit 0"), testing::kName,
                                  {quitter, quitter});
    REQUIRE(started.has_value());
    quitter.process = std::move(*started);
    pid_t pid = quitter.process->pid().value();
    REQUIRE(bench.until([&quitter] { return quitter.process == nullptr; }));
    CHECK(ends(pid));
    for (int turn = 0; turn < 3; ++turn) bench.loop().run_once(false);
    int status = 0;
    (void)::waitpid(pid, &status, 0);  // nobody else does where it was destroyed before the exit
  }
}

TEST_CASE("process: one that is destroyed while it runs is left alone") {
  Bench bench;
  auto line = bench.start_until_line(shell("echo $$; exec sleep 1000"));
  pid_t pid = std::stoi(line);
  bench.process.reset();
  bench.loop().run_once(false);
  REQUIRE(::kill(pid, 0) == 0);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace gracevisor::process
