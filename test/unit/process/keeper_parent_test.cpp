// The keeper as a parent: what becomes of children that nobody awaits, and of all when the keeper is gone.
#include "process/keeper_parent.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "unit/keeper/keeper_end.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using keeper::Kind;
using keeper::Record;

struct Watcher final : ChildWatcher {
  std::optional<std::expected<Spawned, spawn::SpawnFailed>> started;
  std::optional<spawn::ExitStatus> ended;
  void on_started(std::expected<Spawned, spawn::SpawnFailed> what) override {
    started.emplace(std::move(what));
  }
  bool alone = false;
  void on_ended(const ChildEnd& end) override {
    ended = end.status;
    alone = end.alone;
  }
};

struct Fixture final : keeper::LinkListener {
  keeper::testing::KeeperEnd keeper;
  std::unique_ptr<keeper::Link> link = std::move(*keeper::Link::open(keeper.loop(), keeper.client()));
  spawn::Launcher launcher = testing::open_launcher(GV_EXEC);
  std::unique_ptr<KeeperParent> parent =
      std::make_unique<KeeperParent>(keeper.loop(), *link, launcher, ::getppid());
  Watcher watcher;

  Fixture() { link->listen(*this); }
  void on_exited(const keeper::ChildExited& child) override { parent->on_exited(child); }
  void on_superseded(const keeper::Superseded& /*by*/) override {}
  void on_daemon_ended(const keeper::DaemonEnded& /*daemon*/) override {}
  void on_keeper_gone() override { parent->on_keeper_gone(); }

  void order() {
    ChildOrder order;
    order.name = testing::kName;
    for (base::UniqueFd* fd : {&order.fds.in, &order.fds.out, &order.fds.err, &order.fds.plan,
                               &order.fds.report, &order.kept_out, &order.kept_err, &order.kept_report}) {
      *fd = base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    }
    parent->spawn(std::move(order), watcher);
  }
  void answer_spawn(const Record& asked, pid_t pid) const {
    Record record = keeper::answer(Kind::spawn, asked.header.serial, keeper::Code::ok);
    record.body.spawned.pid = pid;
    keeper.send(record);
  }
};

// A child of the test in a group of its own, as one of a keeper would be.
pid_t sleeper() {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    (void)::setsid();
    // Neither the other end of a socket nor what the test writes to is its to keep open.
    (void)::close_range(0, ~0U, 0);
    for (;;) (void)::pause();
  }
  while (::getpgid(child) != child) (void)::usleep(100);
  return child;
}

TEST_CASE("keeper parent: an order names the child, and what comes of it is told") {
  Fixture f;
  f.order();
  CHECK(f.parent->waiting() == 1);
  const Record spawn = f.keeper.take();
  CHECK(std::string(spawn.body.spawn.tag.app) == "web");
  CHECK(spawn.body.spawn.tag.generation == 42);
  CHECK(spawn.body.spawn.tag.started != 0);
  CHECK(f.keeper.packet().descriptors() == 9);
  CHECK_FALSE(f.watcher.started);
  const pid_t child = sleeper();
  f.answer_spawn(spawn, child);
  REQUIRE(f.keeper.until([&] { return f.watcher.started.has_value(); }));
  CHECK(f.parent->waiting() == 0);
  CHECK((*f.watcher.started)->pid == child);
  CHECK((*f.watcher.started)->pidfd);  // opened here, since none came
  f.keeper.tell_exit(child, {keeper::How::exited, 3}, 1);
  REQUIRE(f.keeper.until([&] { return f.watcher.ended.has_value(); }));
  CHECK(*f.watcher.ended == spawn::ExitStatus(spawn::Exited{3, 0}));
  CHECK(f.watcher.alone);
  f.parent->reap(child);
  CHECK(f.keeper.take().header.kind == Kind::reap);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("keeper parent: a refusal is a start that failed, by the daemon's own fault") {
  Fixture f;
  f.order();
  f.keeper.refuse(f.keeper.take(), keeper::Code::busy);
  REQUIRE(f.keeper.until([&] { return f.watcher.started.has_value(); }));
  REQUIRE_FALSE(f.watcher.started->has_value());
  CHECK(f.watcher.started->error() == spawn::SpawnFailed{spawn::SpawnStage::keeper, EEXIST});
  CHECK(spawn::own_shortage(f.watcher.started->error()));
}

TEST_CASE("keeper parent: a child that is forgotten before it is there is killed and reaped") {
  Fixture f;
  f.order();
  const Record spawn = f.keeper.take();
  f.parent->forget(f.watcher);
  CHECK(f.parent->waiting() == 0);
  const pid_t child = sleeper();
  f.answer_spawn(spawn, child);
  siginfo_t info{};
  REQUIRE(f.keeper.until([&] {
    return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) == 0 && info.si_pid == child;
  }));
  CHECK(info.si_status == SIGKILL);
  f.keeper.tell_exit(child, {keeper::How::killed, SIGKILL});
  const Record reap = f.keeper.take();
  CHECK(reap.header.kind == Kind::reap);
  CHECK(reap.body.reap.pid == child);
  CHECK_FALSE(f.watcher.started);
}

TEST_CASE("keeper parent: of a child that was listed as ended, the end is told in the next turn") {
  Fixture f;
  f.parent->watch(77, spawn::Exited{9, 0}, f.watcher);
  CHECK_FALSE(f.watcher.ended);
  f.keeper.tell_exit(77, {keeper::How::exited, 9});  // again
  REQUIRE(f.keeper.until([&] { return f.watcher.ended.has_value(); }));
  CHECK(*f.watcher.ended == spawn::ExitStatus(spawn::Exited{9, 0}));
}

TEST_CASE("keeper parent: while it is paused no end is told, and then each one") {
  Fixture f;
  Watcher other;
  f.parent->pause();
  f.parent->watch(4711, spawn::Exited{3, 0}, f.watcher);
  f.parent->watch(4712, std::nullopt, other);
  f.keeper.tell_exit(4712, {keeper::How::killed, SIGKILL}, 1);
  CHECK(f.keeper.silent());
  CHECK_FALSE(f.watcher.ended);
  CHECK_FALSE(other.ended);
  f.parent->resume();
  REQUIRE(f.keeper.until([&] { return f.watcher.ended && other.ended; }));
  CHECK(*f.watcher.ended == spawn::ExitStatus(spawn::Exited{3, 0}));
  CHECK_FALSE(f.watcher.alone);
  CHECK(other.alone);
  CHECK(*other.ended == spawn::ExitStatus(spawn::Signaled{SIGKILL, false}));
}

TEST_CASE("keeper parent: when the keeper is gone, orders fail and the ends of its children are still seen") {
  Fixture f;
  Watcher living;
  const pid_t child = sleeper();
  f.parent->watch(child, std::nullopt, living);
  f.order();
  (void)f.keeper.take();
  f.keeper.die();
  REQUIRE(f.keeper.until([&] { return f.watcher.started.has_value(); }));
  CHECK(f.watcher.started->error() == spawn::SpawnFailed{spawn::SpawnStage::keeper, EPIPE});
  CHECK_FALSE(living.ended);
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(f.keeper.until([&] { return living.ended.has_value(); }));
  CHECK(*living.ended == spawn::ExitStatus(spawn::Unknown{}));
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

TEST_CASE("keeper parent: the end of a child is seen at its zombie, if no descriptor was left for it") {
  Fixture f;
  Watcher living;
  const pid_t child = sleeper();
  f.parent->watch(child, std::nullopt, living);
  f.order();
  (void)f.keeper.take();
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  f.keeper.die();
  const bool told = f.keeper.until([&] { return f.watcher.started.has_value(); });
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  REQUIRE(told);
  REQUIRE(::kill(child, SIGKILL) == 0);
  CHECK(f.keeper.until([&] { return living.ended.has_value(); }));
  REQUIRE(::waitpid(child, nullptr, 0) == child);
}

}  // namespace
}  // namespace gracevisor::process
