// What a process's life asks of its parent, and nobody else.
#include "process/parent.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "process/launch.h"
#include "process/life.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using testing::Bench;
using testing::kName;
using testing::shell;

// Passes on to the local one and notes what it is asked and tells, with an opinion of its own.
struct OtherParent final : Parent, ChildWatcher {
  explicit OtherParent(Parent& local) : local_(local) {}

  std::vector<std::string> noted;
  std::optional<spawn::ExitStatus> told;      // instead of the real status
  std::optional<spawn::SpawnFailed> refused;  // instead of starting it
  bool alone = false;                         // what it says of that
  bool at_once = false;                       // its end comes right behind the news that it has started
  bool silent = false;                        // it does not tell that it has started it
  bool without_pidfd = false;
  pid_t child = 0;

  void spawn(ChildOrder order, ChildWatcher& watcher) override {
    noted.push_back("spawn " + order.name.app + "@" + std::to_string(order.name.generation));
    watcher_ = &watcher;
    local_.spawn(std::move(order), *this);
  }
  void watch(pid_t pid, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) override {
    noted.emplace_back("watch");
    watcher_ = &watcher;
    local_.watch(pid, ended, *this);
  }
  void forget(ChildWatcher& /*watcher*/) override { watcher_ = nullptr; }
  void reap(pid_t pid) override {
    noted.emplace_back("reap");
    local_.reap(pid);
  }
  [[nodiscard]] std::size_t waiting() const override { return local_.waiting(); }
  [[nodiscard]] pid_t pid() const override { return local_.pid(); }

  void on_started(std::expected<Spawned, spawn::SpawnFailed> started) override {
    REQUIRE(started.has_value());
    child = started->pid;
    if (without_pidfd) started->pidfd.reset();
    if (silent || watcher_ == nullptr) return;
    if (at_once) return tell_both(std::move(started));
    if (refused) {
      watcher_->on_started(std::unexpected(*refused));
    } else {
      watcher_->on_started(std::move(started));
    }
  }
  void on_ended(const ChildEnd& end) override {
    noted.emplace_back("ended");
    if (watcher_ == nullptr || refused || silent) {
      local_.reap(child);
    } else {
      watcher_->on_ended({told.value_or(end.status), alone});
    }
  }

 private:
  void tell_both(std::expected<Spawned, spawn::SpawnFailed> started) {
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    local_.forget(*this);
    watcher_->on_started(std::move(started));
    noted.emplace_back("ended");
    if (watcher_ != nullptr) watcher_->on_ended({spawn::Exited{info.si_status, 0}});
  }

  Parent& local_;
  ChildWatcher* watcher_ = nullptr;
};

struct Other : Bench {
  OtherParent other{*local};
  Other() { parent = &other; }
};

// Destroys its process as soon as it is told of it.
struct Leaver final : ProcessObserver, OutputSink {
  enum class At : std::uint8_t { begun, running } at;
  std::unique_ptr<Process> process;
  explicit Leaver(At when) : at(when) {}
  void take(OutputStream /*stream*/, std::string_view /*bytes*/) override {}
  void on_begun() override {
    if (at == At::begun) process.reset();
  }
  void on(const spawn::ProcessEvent& /*event*/) override { process.reset(); }

  void start(Bench& bench, const spawn::SpawnPlan& plan) {
    auto started = Process::start(bench.around(), plan, kName, {*this, *this});
    REQUIRE(started.has_value());
    process = std::move(*started);
  }
};

// Whoever else had asked for a look by now has had it, and those that followed from it.
struct Witness final : LookAsker {
  int looks = 0;
  void on_look(const ProcessLook& /*look*/) override { ++looks; }
  void look(Bench& bench) {
    for (int i = 1; i <= 4; ++i) {
      bench.looker().ask(*this);
      REQUIRE(bench.until([&] { return looks == i; }));
    }
  }
};

TEST_CASE("parent: it starts the process, says how it ended, and gives up its number, in this order") {
  Other f;
  f.run(shell("exit 3"));
  CHECK(f.other.noted == std::vector<std::string>{"spawn web@42", "ended", "reap"});
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Exited{3, 0}));
  CHECK(f.seen.begun == 1);
}

TEST_CASE("parent: the status of a process is what its parent says") {
  Other f;
  f.other.told = spawn::Signaled{SIGSEGV, true};
  f.run(shell("exit 0"));
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Signaled{SIGSEGV, true}));
}

TEST_CASE("parent: a process without a pidfd is signalled by its number") {
  Other f;
  f.other.without_pidfd = true;
  CHECK(f.start_until_line(shell("echo here; sleep 60")) == "here");
  f.process->signal(SIGTERM, Whom::main);
  REQUIRE(f.until("gone"));
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
}

TEST_CASE("parent: if how a process ended is unknown, what it left is ended all the same") {
  Other f;
  f.other.told = spawn::Unknown{};
  f.run(shell("sleep 1000 & echo $!; exit 3"));
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Unknown{}));
  const auto left = f.seen.first_line();
  REQUIRE(left.has_value());
  CHECK(testing::ends(std::stoi(*left)));
}

TEST_CASE("parent: if it says that nothing is left, nothing is looked for, but the group is killed") {
  for (const char* script : {"exit 0", "exit 3", "sleep 1000 & echo $!; exit 3"}) {
    CAPTURE(script);
    Other f;
    f.other.alone = true;
    f.run(shell(script));
    CHECK(f.seen.events == std::vector<std::string>{"running", "exited", "gone"});
    if (const auto left = f.seen.first_line()) CHECK(testing::ends(std::stoi(*left)));
  }
}

TEST_CASE("parent: a process that is left at the news that it ran, which came with its end, is reaped") {
  for (const char* script : {"exit 0", "exit 3"}) {
    CAPTURE(script);
    Other f;
    f.other.at_once = true;
    Leaver leaver(Leaver::At::running);
    leaver.start(f, shell(script));
    REQUIRE(f.until([&] { return leaver.process == nullptr; }));
    Witness().look(f);
    CHECK(f.other.noted == std::vector<std::string>{"spawn web@42", "ended", "reap"});
  }
}

TEST_CASE("parent: a process that is left at its beginning is left alone, whatever it was told before") {
  // One that goes on although nobody reads its report.
  REQUIRE(::setenv("GV_TEST_HELPER", "hangs", 1) == 0);
  Other f;
  f.launcher = testing::open_launcher(GV_PROCESS_APP);
  Leaver leaver(Leaver::At::begun);
  leaver.start(f, shell("exit 0"));
  leaver.process->kill_tree();
  REQUIRE(f.until([&] { return leaver.process == nullptr; }));
  Witness().look(f);
  siginfo_t info{};
  CHECK(::waitid(P_PID, static_cast<id_t>(f.other.child), &info, WEXITED | WNOHANG | WNOWAIT) == 0);
  CHECK(info.si_pid == 0);
  CHECK(::kill(f.other.child, SIGKILL) == 0);
  CHECK(::waitid(P_PID, static_cast<id_t>(f.other.child), &info, WEXITED) == 0);
  CHECK(::unsetenv("GV_TEST_HELPER") == 0);
}

TEST_CASE("parent: one that refuses leaves no child, and says so") {
  Other f;
  f.other.refused = {spawn::SpawnStage::keeper, EAGAIN};
  f.start(shell("exit 0"));
  CHECK(f.seen.events.empty());
  CHECK(f.process->pid() == base::Pid());
  REQUIRE(f.until("gone"));
  CHECK(f.seen.events == std::vector<std::string>{"exited", "gone"});
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::keeper, EAGAIN}));
  CHECK(f.seen.begun == 0);
  REQUIRE(f.until([&] { return !f.other.noted.empty() && f.other.noted.back() == "ended"; }));
}

TEST_CASE("parent: one that does not answer is not waited for") {
  Other f;
  f.other.silent = true;
  f.start(shell("exit 0"), {.spawn = std::chrono::milliseconds(50)});
  REQUIRE(f.until("gone"));
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::keeper, ETIMEDOUT}));
  REQUIRE(f.until([&] { return !f.other.noted.empty() && f.other.noted.back() == "ended"; }));
}

TEST_CASE("parent: what a process is told before it is there it gets when it is") {
  for (const int number : {SIGTERM, SIGKILL}) {
    CAPTURE(number);
    Bench bench;
    bench.start(shell("trap '' HUP; sleep 60"));
    if (number == SIGKILL) {
      bench.process->kill_tree();
    } else {
      bench.process->signal(number, Whom::group);
    }
    REQUIRE(bench.until("gone"));
    CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{number, false}));
  }
}

TEST_CASE("life: once it is reaped its number may be another child's, which stays known") {
  Bench bench;
  bench.run(shell("exit 0"));
  const pid_t number = bench.process->pid().value();
  CHECK_FALSE(bench.looker().is_leader(number));
  bench.looker().add_leader(number);  // as the kernel gave it to the next child
  bench.process.reset();
  bench.loop().run_once(false);
  CHECK(bench.looker().is_leader(number));
}

// A process that a former daemon ordered, and what it held of it.
struct Former final : ChildWatcher {
  FoundChild found;
  std::unique_ptr<OutputPipe> out;
  void on_started(std::expected<Spawned, spawn::SpawnFailed> started) override {
    REQUIRE(started.has_value());
    found.pid = started->pid;
    found.pidfd = std::move(started->pidfd);
  }
  void on_ended(const ChildEnd& end) override { found.ended = end.status; }

  void start(Bench& bench, const spawn::SpawnPlan& plan) {
    auto launch = prepare_launch(bench.loop(), plan, kName);
    REQUIRE(launch.has_value());
    for (auto [to, from] :
         {std::pair(&found.out, &launch->order.kept_out), std::pair(&found.err, &launch->order.kept_err),
          std::pair(&found.report, &launch->order.kept_report)}) {
      *to = std::move(*from);
    }
    launch->beginning = {};
    bench.parent->spawn(std::move(launch->order), *this);
    REQUIRE(bench.until([this] { return found.pid != 0; }));
  }
  void reattach(Bench& bench) {
    bench.parent->forget(*this);
    bench.process = Process::reattach(bench.around(), std::move(found), std::nullopt, bench.seen.owner());
  }
};

bool await_end_of(int pipe) {
  pollfd end{pipe, POLLIN, 0};
  return ::poll(&end, 1, 20'000) == 1;
}

TEST_CASE("reattaching: a process whose program runs is followed with all its output") {
  Bench bench;
  Former former;
  former.start(bench, shell("echo here; sleep 60"));
  REQUIRE(await_end_of(former.found.out.get()));
  const pid_t pid = former.found.pid;
  former.reattach(bench);
  CHECK(bench.process->running());
  CHECK(bench.process->pid().value() == pid);
  REQUIRE(bench.until([&] { return bench.seen.first_line() == "here"; }));
  CHECK(bench.seen.events.empty());
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
}

TEST_CASE("reattaching: that a program runs is known although a former daemon has read the report") {
  Bench bench;
  Former former;
  former.start(bench, shell("echo here; sleep 60"));
  REQUIRE(await_end_of(former.found.out.get()));
  char byte = 0;
  REQUIRE(::read(former.found.report.get(), &byte, 1) == 1);
  former.reattach(bench);
  CHECK(bench.process->running());
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
}

// What a keeper's list says of a child that has ended: the local parent watches living children alone.
struct EndedParent final : Parent {
  Parent* local = nullptr;
  ChildWatcher* told = nullptr;
  void spawn(ChildOrder, ChildWatcher&) override {}
  void watch(pid_t, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) override {
    REQUIRE(ended.has_value());
    told = &watcher;
  }
  void forget(ChildWatcher&) override {}
  void reap(pid_t child) override { local->reap(child); }
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] pid_t pid() const override { return local->pid(); }
};

TEST_CASE("reattaching: one that has ended meanwhile is told with its status and its last words") {
  EndedParent ended;  // outlives the bench, whose process forgets it
  Bench bench;
  ended.local = &*bench.local;
  Former former;
  former.start(bench, shell("echo bye; exit 4"));
  REQUIRE(bench.until([&] { return former.found.ended.has_value(); }));
  bench.seen.events.clear();
  const spawn::ExitStatus status = *former.found.ended;
  bench.parent = &ended;
  bench.process =
      Process::reattach(bench.around(), std::move(former.found), std::nullopt, bench.seen.owner());
  REQUIRE(ended.told != nullptr);
  ended.told->on_ended({status});
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.events == std::vector<std::string>{"exited", "gone"});
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{4, 0}));
  CHECK(bench.seen.out_at_exit == "bye\n");
}

TEST_CASE("reattaching: a helper that has not executed yet is given its time") {
  REQUIRE(::setenv("GV_TEST_HELPER", "hangs", 1) == 0);
  Bench bench;
  bench.launcher = testing::open_launcher(GV_PROCESS_APP);
  Former former;
  former.start(bench, shell("exit 0"));
  CHECK(::unsetenv("GV_TEST_HELPER") == 0);
  former.reattach(bench);
  CHECK_FALSE(bench.process->running());
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
}

}  // namespace
}  // namespace gracevisor::process
