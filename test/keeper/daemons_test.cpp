// Daemons that end, that are told to, and that say nothing any more.
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "keeper_fixture.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/wait.h"

namespace gracevisor::keeper::testing {
namespace {

using std::chrono::milliseconds;
using Words = std::vector<std::string>;

int exit_of(Keeper& keeper) {
  const auto result = keeper.command().wait();
  INFO(test::describe(result));
  CHECK_FALSE(result.timed_out);
  return result.exit_code;
}

bool said(Keeper& keeper, const std::string& text) {
  return keeper.command().err().find(text) != std::string::npos;
}

// Daemons that serve and die at once, one after the other.
void die_at_once(Keeper& keeper, int times) {
  for (int i = 0; i < times; ++i) keeper.serving().kill();
}

TEST_CASE("keeper: a first daemon that ends before it serves ends the keeper, with its status and children") {
  Keeper keeper;
  StandIn daemon = keeper.next();
  Child child = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  daemon.tell("exit 2");
  CHECK(exit_of(keeper) == 2);
  CHECK(ended(child));
  CHECK(said(keeper, "gv-keeper: the daemon (pid " + std::to_string(daemon.pid) + ") exited with 2 after "));
}

TEST_CASE("keeper: a first daemon that is killed before it serves ends the keeper, as a shell counts") {
  Keeper keeper;
  keeper.next().kill(SIGKILL);
  CHECK(exit_of(keeper) == 128 + SIGKILL);
}

TEST_CASE("keeper: as process 1 of a container it reaps whatever comes, and ends as its daemon does") {
  const auto inside = [](const std::string& script) {
    return test::run_command({"unshare", "-pf", "--mount-proc", GV_KEEPER, "--", "/bin/sh", "-c", script});
  };
  if (inside("exit 0").exit_code != 0) {
    test::skip("no pid namespace can be made here");
    return;
  }
  const auto result = inside(
      "[ $PPID = 1 ] || exit 8; i=0; while [ $i -lt 100 ]; do (: & ) ; i=$((i + 1)); done; "
      "while grep -qs ') Z ' /proc/[0-9]*/stat; do sleep 0.01; done; exit 3");
  INFO(test::describe(result));
  CHECK(result.exit_code == 3);
  CHECK(result.err.empty());
  const auto stopped = inside("trap 'exit 4' TERM; kill -TERM 1; while :; do sleep 0.01; done");
  INFO(test::describe(stopped));
  CHECK(stopped.exit_code == 4);
}

TEST_CASE("keeper: what is no program ends it with the cause") {
  const auto missing = test::run_command({GV_KEEPER, "--", "/nowhere/gracevisord"});
  CHECK(missing.exit_code == 1);
  CHECK(missing.err == "gv-keeper: cannot open /nowhere/gracevisord: No such file or directory\n");
  const auto closed = test::run_command({GV_KEEPER, "--", "/etc/passwd"});
  CHECK(closed.exit_code == 1);
  CHECK(closed.err == "gv-keeper: cannot start /etc/passwd: Permission denied\n");
  const auto usage = test::run_command({GV_KEEPER, "/bin/true"});
  CHECK(usage.exit_code == 2);
  CHECK(usage.err ==
        "gv-keeper: gracevisord starts this program; by hand: gv-keeper -- PROGRAM [ARGUMENT...]\n");
}

TEST_CASE(
    "keeper: a daemon that keeps ending at once is started ever later, and from the sixth time on safely") {
  Keeper keeper({"-c", "file"});
  const auto began = std::chrono::steady_clock::now();
  for (std::uint32_t deaths = 0; deaths < 5; ++deaths) {
    StandIn daemon = keeper.next();
    CHECK(daemon.words == Words{"-c", "file"});
    const auto hello = daemon.ask<Welcomed>(daemon.client.hello());
    CHECK(hello.facts.deaths == deaths);
    CHECK(hello.facts.starts == deaths + 1);
    (void)daemon.ask<Done>(daemon.client.serving());
    daemon.tell("kill " + std::to_string(SIGSEGV));
  }
  StandIn daemon = keeper.next();
  CHECK(daemon.words == Words{"-c", "file", "--safe"});
  // 0, 100, 200, 400, 800 ms.
  CHECK(std::chrono::steady_clock::now() - began >= milliseconds(1500));
  CHECK(said(keeper, "was ended by signal 11 (SEGV) after 0."));
  CHECK(said(keeper, "; start 2 in 0 ms, its children stay\n"));
  CHECK(said(keeper, "; start 6 in 800 ms, its children stay (--safe: it keeps ending at once)\n"));
}

TEST_CASE("keeper: signals reach the owner, one each, and a terminal's stop reaches nobody") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  for (const int number : {SIGTSTP, SIGTTIN, SIGTTOU}) REQUIRE(::kill(keeper.pid(), number) == 0);
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGQUIT}) {
    REQUIRE(::kill(keeper.pid(), number) == 0);
    CHECK(daemon.signal() == number);
  }
  (void)daemon.ask<Done>(daemon.client.alive());
}

TEST_CASE("keeper: a reload that is asked for while no daemon serves waits for one") {
  Keeper keeper;
  StandIn daemon = keeper.next();
  REQUIRE(::kill(keeper.pid(), SIGHUP) == 0);
  // Signals are read before records, and those that end a daemon come at once.
  REQUIRE(::kill(keeper.pid(), SIGINT) == 0);
  CHECK(daemon.signal() == SIGINT);
  (void)daemon.ask<Done>(daemon.client.serving());
  CHECK(daemon.signal() == SIGHUP);
}

TEST_CASE("keeper: after bye it ends with the status that was said, once no child is left") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child =
      daemon.spawn(tag("web", 1, 1), shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"));
  REQUIRE(readable(child.out.get()));
  (void)daemon.ask<Done>(daemon.client.bye(7));
  daemon.tell("exit 0");
  CHECK(exit_of(keeper) == 7);
  CHECK(ended(child));
  CHECK(said(keeper, "gv-keeper: 1 children are left: they are ended\n"));
}

TEST_CASE("keeper: children that do not end after bye are killed after the daemon's own time") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  (void)daemon.ask<Done>(daemon.client.set_policy(milliseconds(100), milliseconds(0)));
  Child child =
      daemon.spawn(tag("web", 1, 1), shell("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
  REQUIRE(readable(child.out.get()));
  (void)daemon.ask<Done>(daemon.client.bye(0));
  daemon.tell("exit 1");
  CHECK(exit_of(keeper) == 0);
  CHECK(ended(child));
}

TEST_CASE("keeper: a daemon that says bye and stays is killed") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  (void)daemon.ask<Done>(daemon.client.set_policy(milliseconds(50), milliseconds(0)));
  (void)daemon.ask<Done>(daemon.client.bye(3));
  CHECK(exit_of(keeper) == 3);
}

TEST_CASE("keeper: a bye that was said right before the end counts") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  // Stopped, it reads nothing before the daemon is dead.
  REQUIRE(::kill(keeper.pid(), SIGSTOP) == 0);
  const std::string state = "/proc/" + std::to_string(keeper.pid()) + "/status";
  REQUIRE(test::wait_until([&] { return test::content_of(state).find("(stopped)") != std::string::npos; }));
  REQUIRE(daemon.client.bye(5));
  daemon.kill();
  REQUIRE(test::wait_until([&] { return !test::alive(daemon.pid); }));
  REQUIRE(::kill(keeper.pid(), SIGCONT) == 0);
  CHECK(exit_of(keeper) == 5);
}

TEST_CASE("keeper: a bye counts although the daemon left unread what the keeper had told it") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("exit 0"));
  REQUIRE(readable(daemon.client.fd()));  // its end
  REQUIRE(::kill(keeper.pid(), SIGSTOP) == 0);
  const std::string state = "/proc/" + std::to_string(keeper.pid()) + "/status";
  REQUIRE(test::wait_until([&] { return test::content_of(state).find("(stopped)") != std::string::npos; }));
  REQUIRE(daemon.client.bye(5));
  // With that the socket is reset (ECONNRESET), before what was sent on it has been read.
  daemon.client = Client(base::UniqueFd());
  daemon.kill();
  REQUIRE(test::wait_until([&] { return !test::alive(daemon.pid); }));
  REQUIRE(::kill(keeper.pid(), SIGCONT) == 0);
  CHECK(exit_of(keeper) == 5);
}

TEST_CASE("keeper: a daemon that dies of its stop is followed by one that only stops") {
  Keeper keeper({"-c", "file"});
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  REQUIRE(::kill(keeper.pid(), SIGTERM) == 0);
  CHECK(daemon.signal() == SIGTERM);
  daemon.kill();
  StandIn last = keeper.serving();
  CHECK(last.words == Words{"-c", "file", "--stop"});
  auto rows = last.children();
  REQUIRE(rows.size() == 1);
  REQUIRE(::kill(rows[0].pid, SIGKILL) == 0);
  (void)last.await<ChildExited>();
  (void)last.ask<Reaped>(last.client.reap(rows[0].pid));
  (void)last.ask<Done>(last.client.bye(0));
  last.tell("exit 0");
  CHECK(exit_of(keeper) == 0);
}

TEST_CASE("keeper: told to stop while no daemon lives it starts one that only stops") {
  Keeper keeper;
  die_at_once(keeper, 5);
  REQUIRE(test::wait_until([&] { return said(keeper, "start 6 in 800 ms"); }));
  REQUIRE(::kill(keeper.pid(), SIGTERM) == 0);
  StandIn last = keeper.serving();
  CHECK(last.words == Words{"--safe", "--stop"});
  (void)last.ask<Done>(last.client.bye(0));
  last.tell("exit 0");
  CHECK(exit_of(keeper) == 0);
}

TEST_CASE("keeper: if the one that only stops fails, the keeper ends the children itself") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  Child other =
      daemon.spawn(tag("web", 1, 2), shell("sleep 60 & trap '' TERM; echo ready; wait; wait; sleep 60"));
  REQUIRE(readable(other.out.get()));
  (void)daemon.ask<Done>(daemon.client.set_policy(milliseconds(100), milliseconds(0)));
  REQUIRE(::kill(keeper.pid(), SIGTERM) == 0);
  CHECK(daemon.signal() == SIGTERM);
  daemon.kill();
  keeper.next().tell("exit 0");
  CHECK(exit_of(keeper) == 1);
  CHECK(ended(child));
  CHECK(ended(other));
}

TEST_CASE("keeper: a silent daemon is aborted, killed if that does not end it, and started again") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  (void)daemon.ask<Done>(daemon.client.set_policy(milliseconds(30'000), milliseconds(100)));
  CHECK(daemon.signal() == SIGABRT);
  CHECK(said(keeper,
             "gv-keeper: the daemon (pid " + std::to_string(daemon.pid) + ") is silent: it is aborted\n"));
  daemon.kill(SIGKILL);
  StandIn next = keeper.serving();
  // Its watchdog begins with its own policy.
  CHECK_FALSE(next.client.next());
}

TEST_CASE("keeper: a daemon that closes its socket and stays is aborted") {
  Keeper keeper;
  pid_t first = 0;
  {
    StandIn daemon = keeper.serving();
    first = daemon.pid;
    daemon.tell("close");
    daemon.client = Client(base::UniqueFd());
    CHECK(daemon.signal() == SIGABRT);
  }
  // Its test socket is closed now, so it ends.
  CHECK(keeper.serving().pid != first);
}

struct Manager {
  explicit Manager(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  std::string next() const {
    REQUIRE(readable(fd.get()));
    std::array<char, 500> text{};
    const ssize_t size = ::recv(fd.get(), text.data(), text.size(), 0);
    REQUIRE(size >= 0);
    return {text.data(), static_cast<std::size_t>(size)};
  }
  base::UniqueFd fd;
};

TEST_CASE("keeper: it relays to the service manager, whom the daemon does not see") {
  test::TempFolder folder;
  Manager manager(folder / "notify");
  Keeper keeper({}, {{"NOTIFY_SOCKET", folder / "notify"}});
  StandIn daemon = keeper.serving();
  (void)daemon.ask<Done>(daemon.client.notify("READY=1\nSTATUS=3 apps"));
  CHECK(manager.next() == "READY=1\nSTATUS=3 apps");
  const std::string environment = test::content_of("/proc/" + std::to_string(daemon.pid) + "/environ");
  CHECK(environment.find("NOTIFY_SOCKET") == std::string::npos);
  CHECK(environment.find("GV_KEEPER=3") != std::string::npos);
}

TEST_CASE("keeper: it alone answers the service manager's watchdog") {
  test::TempFolder folder;
  Manager manager(folder / "notify");
  Keeper keeper({}, {{"NOTIFY_SOCKET", folder / "notify"}, {"WATCHDOG_USEC", "100000"}});
  StandIn daemon = keeper.serving();
  CHECK(manager.next() == "WATCHDOG=1");
  CHECK(manager.next() == "WATCHDOG=1");
}

TEST_CASE("keeper: without a service manager, and with one that does not read, telling it fails nothing") {
  test::TempFolder folder;
  Keeper alone;
  StandIn daemon = alone.serving();
  (void)daemon.ask<Done>(daemon.client.notify("READY=1"));
  Keeper other({}, {{"NOTIFY_SOCKET", folder / "nobody"}});
  StandIn its = other.serving();
  const auto refused = its.ask<Refused>(its.client.notify("READY=1"));
  CHECK(refused.code == Code::failed);
  CHECK(refused.error == ENOENT);
  Manager manager(folder / "nobody");
  for (;;) {
    REQUIRE(its.client.notify("STATUS=x"));
    while (its.client.out(Kind::notify)) {
      auto event = its.client.next();
      if (!event) REQUIRE(readable(its.client.fd()));
      const auto* late = event ? std::get_if<Refused>(&*event) : nullptr;
      if (late == nullptr) continue;
      CHECK(late->code == Code::later);
      return;
    }
  }
}

}  // namespace
}  // namespace gracevisor::keeper::testing
