// What a process's life asks of its parent, and nobody else.
#include "process/parent.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <csignal>
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
using testing::shell;

// Passes on to the local one, notes what it is asked, and has its own opinion of how the child ended.
struct OtherParent final : Parent {
  explicit OtherParent(Parent& local) : local_(local) {}

  std::vector<std::string> asked;
  std::optional<spawn::ExitStatus> told;  // instead of the real status
  bool without_pidfd = false;
  pid_t child = 0;

  std::expected<Spawned, spawn::SpawnFailed> spawn(const spawn::HelperFds& order) override {
    asked.emplace_back("spawn");
    auto spawned = local_.spawn(order);
    if (spawned) child = spawned->pid;
    if (spawned && without_pidfd) spawned->pidfd = base::fail_errno("no descriptor left", EMFILE);
    return spawned;
  }
  std::optional<spawn::ExitStatus> ended(pid_t pid) override {
    auto status = local_.ended(pid);
    if (status) asked.emplace_back("ended");
    return status && told ? told : status;
  }
  spawn::ExitStatus reap(pid_t pid) override {
    asked.emplace_back("reap");
    auto status = local_.reap(pid);
    return told.value_or(status);
  }
  void reap_orphans(pid_t group) override {
    if (asked.back() != "orphans") asked.emplace_back("orphans");
    local_.reap_orphans(group);
  }

 private:
  Parent& local_;
};

struct Other : Bench {
  OtherParent other{local};
  Other() { parent = &other; }
};

TEST_CASE("parent: it starts the process, says how it ended, and gives up its number, in this order") {
  Other f;
  f.run(shell("exit 3"));
  CHECK(f.other.asked == std::vector<std::string>{"spawn", "ended", "reap", "orphans"});
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Exited{3, 0}));
}

TEST_CASE("parent: the status of a process is what its parent says") {
  Other f;
  f.other.told = spawn::Signaled{SIGSEGV, true};
  f.run(shell("exit 0"));
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::Signaled{SIGSEGV, true}));
}

TEST_CASE("parent: a process without a pidfd is ended, and its number given up") {
  Other f;
  f.other.without_pidfd = true;
  f.run(shell("sleep 60"));
  CHECK(f.seen.events == std::vector<std::string>{"exited", "gone"});
  CHECK(*f.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::pidfd, EMFILE}));
  CHECK(::kill(f.other.child, 0) == -1);
}

TEST_CASE("parent: one that refuses leaves no child and calls nobody") {
  struct Refusing final : Parent {
    std::expected<Spawned, spawn::SpawnFailed> spawn(const spawn::HelperFds&) override {
      return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::spawn, EAGAIN});
    }
    std::optional<spawn::ExitStatus> ended(pid_t) override { return std::nullopt; }
    spawn::ExitStatus reap(pid_t) override { return spawn::Exited{}; }
    void reap_orphans(pid_t) override {}
  } refusing;
  Bench bench;
  bench.parent = &refusing;
  auto started = Process::start(bench.around(), shell("exit 0"), bench.seen.owner());
  REQUIRE(!started.has_value());
  CHECK(started.error() == spawn::SpawnFailed{spawn::SpawnStage::spawn, EAGAIN});
  bench.loop().run_once(false);
  CHECK(bench.seen.events.empty());
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

TEST_CASE("life: it may begin with a process whose program runs already") {
  Bench bench;
  auto launched = launch(bench.loop(), bench.local, shell("echo here; sleep 60"));
  REQUIRE(launched.has_value());
  pollfd report{launched->report->fd(), POLLIN, 0};
  while (!launched->report->read_to_end()) REQUIRE(::poll(&report, 1, 20'000) == 1);
  REQUIRE_FALSE(launched->report->failure());
  launched->report.reset();
  const pid_t pid = launched->process.pid;
  bench.process = std::make_unique<Process>(
      bench.loop(), std::make_unique<Life>(bench.around(), std::move(*launched), bench.seen.owner(),
                                           EndRules{}, ProcessTimes{}));
  CHECK(bench.process->pid().value() == pid);
  REQUIRE(bench.until([&] { return bench.seen.first_line() == "here"; }));
  CHECK(bench.seen.events.empty());
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
}

TEST_CASE("local parent: a child is there until it is reaped, and afterwards its status is lost") {
  Bench bench;
  spawn::HelperFds fds;
  for (base::UniqueFd* fd : {&fds.in, &fds.out, &fds.err, &fds.plan, &fds.report}) {
    *fd = base::duplicate(base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)).get(), spawn::kLowestSource)
              .value();
  }
  bench.launcher = testing::open_launcher("/bin/true");
  auto spawned = bench.local.spawn(fds);
  REQUIRE(spawned.has_value());
  REQUIRE(spawned->pidfd.has_value());
  REQUIRE(testing::ends(spawned->pid));
  for (int twice = 0; twice < 2; ++twice) {
    CHECK(bench.local.ended(spawned->pid) == spawn::ExitStatus(spawn::Exited{0, 0}));
  }
  CHECK(bench.local.reap(spawned->pid) == spawn::ExitStatus(spawn::Exited{0, 0}));
  CHECK(bench.local.reap(spawned->pid) ==
        spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::pidfd, ECHILD}));
}

}  // namespace
}  // namespace gracevisor::process
