// What gv-keeper holds for its daemons: descriptors and children, across the daemons' deaths.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "keeper_fixture.h"
#include "spawn/protocol.h"
#include "spawn/report.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::keeper::testing {
namespace {

spawn::ExitStatus status_of(StandIn& daemon, const Child& child) {
  const auto event = daemon.await<ChildExited>();
  CHECK(event.pid == child.pid);
  const auto reaped = daemon.ask<Reaped>(daemon.client.reap(child.pid));
  CHECK(reaped.pid == child.pid);
  CHECK(as_status(event.ending) == as_status(reaped.ending));
  return as_status(reaped.ending);
}

bool may_lower_oom_score() {
  constexpr unsigned kSysResource = 24;
  const std::string status = test::content_of("/proc/self/status");
  const std::size_t at = status.find("CapEff:\t");
  REQUIRE(at != std::string::npos);
  return (std::stoull(status.substr(at + 8), nullptr, 16) >> kSysResource & 1U) != 0;
}

// A soft limit below the hard one, as long as it lives.
struct FewFiles {
  FewFiles() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    now = {before.rlim_max / 2, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;
  ~FewFiles() { (void)::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
  rlimit now{};
};

TEST_CASE("keeper: its first daemon is the owner and learns what the keeper is") {
  Keeper keeper({"one", "two words"});
  StandIn daemon = keeper.next();
  CHECK(daemon.words == std::vector<std::string>{"one", "two words"});
  const auto hello = daemon.ask<Welcomed>(daemon.client.hello());
  CHECK(hello.facts.role == Whom::owner);
  CHECK(hello.facts.keeper == keeper.pid());
  CHECK(hello.facts.starts == 1);
  CHECK(hello.facts.children == 0);
  CHECK(hello.facts.last.how == How::lives);
  CHECK_FALSE(hello.channel);
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  CHECK(hello.facts.soft_files == files.rlim_cur);
  CHECK(hello.facts.hard_files == files.rlim_max);
}

TEST_CASE("keeper: a descriptor is held by its name until it is released") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd pipe = std::move(base::make_pipe()->read_end);
  (void)daemon.ask<Done>(daemon.client.hold("listen/0.0.0.0:80/0", pipe.get()));
  base::UniqueFd null = open_null();
  (void)daemon.ask<Done>(daemon.client.hold("control", null.get()));
  CHECK(daemon.refusal(daemon.client.hold("control", pipe.get())) == Code::busy);

  auto names = daemon.names();
  REQUIRE(names.size() == 2);
  CHECK(std::string(names[0].name.text) == "listen/0.0.0.0:80/0");
  CHECK(same_file(names[0].fd.get(), pipe.get()));
  CHECK(std::string(names[1].name.text) == "control");
  CHECK(same_file(names[1].fd.get(), null.get()));

  (void)daemon.ask<Done>(daemon.client.release("listen/0.0.0.0:80/0"));
  CHECK(daemon.refusal(daemon.client.release("listen/0.0.0.0:80/0")) == Code::unknown);
  names = daemon.names();
  REQUIRE(names.size() == 1);
  CHECK(std::string(names[0].name.text) == "control");
  CHECK(daemon.children().empty());
}

TEST_CASE("keeper: a child is spawned, writes, and its exit status is exact") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("echo here; exit 3"));
  CHECK(read_all(child.out.get()) == "here\n");
  REQUIRE(ended(child));
  CHECK(status_of(daemon, child) == spawn::ExitStatus(spawn::Exited{3, 0}));
  CHECK(::kill(child.pid, 0) == -1);
  CHECK(daemon.refusal(daemon.client.reap(child.pid)) == Code::unknown);
  CHECK(daemon.children().empty());

  Child killed = daemon.spawn(tag("web", 1, 1), shell("kill -TERM $$"));
  CHECK(status_of(daemon, killed) == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
  Child last = daemon.spawn(tag("web", 1, 1), shell("exit 255"));
  CHECK(status_of(daemon, last) == spawn::ExitStatus(spawn::Exited{255, 0}));
}

TEST_CASE("keeper: a core dump is told apart from a mere signal") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  test::TempFolder folder;
  spawn::SpawnPlan plan = shell("ulimit -c 100000; kill -SEGV $$");
  plan.directory = folder.path();
  Child child = daemon.spawn(tag("web", 1, 1), plan);
  const spawn::ExitStatus status = status_of(daemon, child);
  // The host decides whether there is a core; the shell's own parent would see the same.
  const auto* signaled = std::get_if<spawn::Signaled>(&status);
  REQUIRE(signaled != nullptr);
  CHECK(signaled->signal == SIGSEGV);
  if (test::content_of("/proc/sys/kernel/core_pattern").find_first_of("|/") == std::string::npos)
    CHECK(signaled->core);
}

TEST_CASE("keeper: what cannot be executed is told by gv-exec's report, what is no helper by errno") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  spawn::SpawnPlan plan = shell("");
  plan.program = "/nowhere";
  Child child = daemon.spawn(tag("web", 1, 1), plan);
  CHECK(status_of(daemon, child) == spawn::ExitStatus(spawn::Exited{spawn::kHelperFailed, 0}));
  spawn::SpawnReport report(std::move(child.report));
  while (!report.read_to_end()) REQUIRE(readable(report.fd()));
  CHECK(report.failure() == spawn::SpawnFailed{spawn::SpawnStage::exec, ENOENT});

  SpawnOrder order = daemon.order_of(tag("web", 1, 2), shell("exit 0"));
  order.helper = order.in;
  const auto refused = daemon.ask<Refused>(daemon.client.spawn(order));
  CHECK(refused.code == Code::failed);
  CHECK(refused.error == EACCES);
  CHECK(daemon.children().empty());
}

TEST_CASE("keeper: no slot gets a second process, not even beside a zombie") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 7, 1), shell("exit 0"));
  REQUIRE(ended(child));
  (void)daemon.await<ChildExited>();
  CHECK(daemon.refusal(daemon.client.spawn(daemon.order_of(tag("web", 7, 1), shell("")))) == Code::busy);
  Child other = daemon.spawn(tag("web", 7, 2), shell("sleep 60"));
  Child next = daemon.spawn(tag("web", 8, 1), shell("sleep 60"));
  Child app = daemon.spawn(tag("webb", 7, 1), shell("sleep 60"));
  CHECK(daemon.refusal(daemon.client.reap(other.pid)) == Code::living);
  (void)daemon.ask<Reaped>(daemon.client.reap(child.pid));
  Child again = daemon.spawn(tag("web", 7, 1), shell("sleep 60"));
  CHECK(daemon.children().size() == 4);
}

TEST_CASE("keeper: the next daemon finds the same children and descriptors, untouched") {
  Keeper keeper;
  pid_t lives = 0;
  pid_t ends = 0;
  base::UniqueFd pipe = std::move(base::make_pipe()->read_end);
  base::UniqueFd finish;
  base::UniqueFd out;
  {
    StandIn daemon = keeper.serving();
    (void)daemon.ask<Done>(daemon.client.hold("listen/80/0", pipe.get()));
    auto gate = base::make_pipe();
    SpawnOrder order = daemon.order_of(tag("web", 1, 1), shell("echo one; read line; echo $line; sleep 60"));
    order.in = gate->read_end.get();
    lives = daemon.ask<Started>(daemon.client.spawn(order)).pid;
    finish = std::move(gate->write_end);
    auto second = base::make_pipe();
    order = daemon.order_of(tag("web", 1, 2), shell("read line; exit 42"));
    order.in = second->read_end.get();
    ends = daemon.ask<Started>(daemon.client.spawn(order)).pid;
    daemon.kill();
    // It ends while no daemon is there, or before the next one asks.
    second->write_end.reset();
  }
  StandIn daemon = keeper.next();
  const auto hello = daemon.ask<Welcomed>(daemon.client.hello());
  CHECK(hello.facts.role == Whom::owner);
  CHECK(hello.facts.starts == 2);
  CHECK(hello.facts.last.how == How::killed);
  CHECK(hello.facts.last.number == SIGKILL);
  REQUIRE(test::wait_until([&] {
    auto rows = daemon.children();
    return rows.size() == 2 && rows[1].ending.how == How::exited;
  }));
  auto rows = daemon.children();
  CHECK(rows[0].pid == lives);
  CHECK(rows[0].ending.how == How::lives);
  CHECK(std::string(rows[0].tag.app) == "web");
  CHECK(rows[0].tag.slot == 1);
  CHECK(rows[1].pid == ends);
  CHECK(rows[1].ending.number == 42);
  // Its output, all of it, through the descriptor that the keeper kept.
  REQUIRE(::write(finish.get(), "two\n", 4) == 4);
  REQUIRE(::kill(lives, 0) == 0);
  std::string text;
  while (text.size() < 8) {
    REQUIRE(readable(rows[0].out.get()));
    char byte = 0;
    REQUIRE(::read(rows[0].out.get(), &byte, 1) == 1);
    text += byte;
  }
  CHECK(text == "one\ntwo\n");
  // The report: a byte, then its end, means that the program runs.
  spawn::SpawnReport report(std::move(rows[0].report));
  while (!report.read_to_end()) REQUIRE(readable(report.fd()));
  CHECK_FALSE(report.failure());
  CHECK(daemon.ask<Reaped>(daemon.client.reap(ends)).ending.number == 42);
  auto names = daemon.names();
  REQUIRE(names.size() == 1);
  CHECK(same_file(names[0].fd.get(), pipe.get()));
  CHECK(keeper.command().err().find("was ended by signal 9 (KILL) after ") != std::string::npos);
}

TEST_CASE("keeper: an app has nothing of the keeper open, and runs as if it had not been there") {
  FewFiles few;
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd null = open_null();
  (void)daemon.ask<Done>(daemon.client.hold("control", null.get()));
  Child first = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  // `ls` itself opens the folder that it lists, as 3.
  Child child = daemon.spawn(tag("web", 1, 2), shell("exec ls /proc/self/fd"));
  CHECK(read_all(child.out.get()) == "0\n1\n2\n3\n");

  const std::string own = test::content_of("/proc/self/oom_score_adj");
  CHECK(test::content_of("/proc/" + std::to_string(first.pid) + "/oom_score_adj") == own);
  CHECK(test::content_of("/proc/" + std::to_string(daemon.pid) + "/oom_score_adj") == own);
  const std::string keepers = test::content_of("/proc/" + std::to_string(keeper.pid()) + "/oom_score_adj");
  CHECK(keepers == (may_lower_oom_score() ? "-1000\n" : own));
  for (const pid_t pid : {first.pid, daemon.pid}) {
    rlimit theirs{};
    REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &theirs) == 0);
    CHECK(theirs.rlim_cur == few.now.rlim_cur);
    CHECK(theirs.rlim_max == few.now.rlim_max);
    CHECK(::getsid(pid) == (pid == first.pid ? pid : ::getsid(keeper.pid())));
    CHECK(::getpgid(pid) == pid);
  }
  rlimit raised{};
  REQUIRE(::prlimit(keeper.pid(), RLIMIT_NOFILE, nullptr, &raised) == 0);
  CHECK(raised.rlim_cur == few.now.rlim_max);
  Child asks = daemon.spawn(tag("web", 1, 3), shell("grep -E 'SigBlk|SigIgn|Umask' /proc/self/status"));
  CHECK(read_all(asks.out.get()) == "Umask:\t0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("keeper: what it executes gets its own descriptors and masks, whatever the keeper has") {
  Keeper keeper;
  base::UniqueFd null = open_null();
  std::size_t first = 0;
  {
    StandIn daemon = keeper.serving();
    first = test::open_descriptors(daemon.pid);
    for (int i = 0; i < 30; ++i) (void)daemon.ask<Done>(daemon.client.hold(std::to_string(i), null.get()));
    daemon.kill();
  }
  StandIn daemon = keeper.serving();
  CHECK(test::open_descriptors(daemon.pid) == first);
  // gv-exec would close what leaked, so a shell takes its place, with its script as standard input.
  SpawnOrder order = daemon.order_of(tag("web", 1, 1), shell(""));
  base::UniqueFd helper(::open("/bin/sh", O_PATH | O_CLOEXEC));
  auto script = base::make_pipe();
  const std::string_view text = "ls /proc/self/fd; umask\n";
  REQUIRE(::write(script->write_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  script->write_end.reset();
  order.helper = helper.get();
  order.in = script->read_end.get();
  order.listener = null.get();
  auto out = base::make_pipe();
  order.out = out->write_end.get();
  (void)daemon.ask<Started>(daemon.client.spawn(order));
  out->write_end.reset();
  // in, out, err, plan, report, listener, and the folder itself.
  CHECK(read_all(out->read_end.get()) == "0\n1\n2\n3\n4\n5\n6\n0022\n");

  // The shell has reset its mask. This one waits for its input.
  auto gate = base::make_pipe();
  helper.reset(::open("/bin/cat", O_PATH | O_CLOEXEC));
  order.tag.slot = 2;
  order.helper = helper.get();
  order.in = gate->read_end.get();
  order.out = null.get();
  const pid_t waits = daemon.ask<Started>(daemon.client.spawn(order)).pid;
  const std::string status = test::content_of("/proc/" + std::to_string(waits) + "/status");
  CHECK(status.find("SigBlk:\t0000000000000000\n") != std::string::npos);
}

TEST_CASE("keeper: an app with a listener finds it where systemd would put it") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  spawn::SpawnPlan plan = shell("echo $LISTEN_FDS; [ $LISTEN_PID = $$ ] && readlink /proc/self/fd/3");
  plan.listener = listener.get();
  SpawnOrder order = daemon.order_of(tag("web", 1, 1), plan);
  order.listener = listener.get();
  auto out = base::make_pipe();
  order.out = out->write_end.get();
  (void)daemon.ask<Started>(daemon.client.spawn(order));
  out->write_end.reset();
  CHECK(read_all(out->read_end.get()).starts_with("1\nsocket:["));
}

TEST_CASE("keeper: a keeper that is killed is the end of its socket") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  REQUIRE(::kill(keeper.pid(), SIGKILL) == 0);
  (void)daemon.await<KeeperGone>();
  CHECK(daemon.client.alive().error().code == EPIPE);
  CHECK(test::alive(child.pid));
}

}  // namespace
}  // namespace gracevisor::keeper::testing
