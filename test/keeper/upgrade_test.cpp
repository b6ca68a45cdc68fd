// Two daemons under one keeper: who may what, and what becomes of whom.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "keeper_fixture.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::keeper::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::UniqueFd program(const char* path = GV_KEEPER_STAND_IN) {
  return base::UniqueFd(::open(path, O_PATH | O_CLOEXEC));
}

struct Upgrade {
  Keeper keeper{{"-c", "file"}};
  StandIn old = keeper.serving();
  base::UniqueFd file = program();
  SuccessorStarted begun;
  StandIn successor = begin(seconds(60));
  Welcomed hello = successor.ask<Welcomed>(successor.client.hello());

  StandIn begin(milliseconds patience) {
    begun = old.ask<SuccessorStarted>(old.client.begin_successor(file.get(), {"--successor", "x"}, patience));
    return keeper.next();
  }
  void commit() {
    (void)successor.ask<Done>(successor.client.serving());
    CHECK(old.await<Superseded>().owner == successor.pid);
  }
};

TEST_CASE("keeper: a successor has its arguments, its role, and a channel to the owner") {
  Upgrade upgrade;
  CHECK(upgrade.successor.words == std::vector<std::string>{"-c", "file", "--successor", "x"});
  CHECK(upgrade.begun.pid == upgrade.successor.pid);
  CHECK(upgrade.hello.facts.role == Whom::successor);
  REQUIRE(upgrade.hello.channel);
  REQUIRE(upgrade.begun.channel);
  REQUIRE(::send(upgrade.begun.channel.get(), "hi", 2, 0) == 2);
  char bytes[10];
  CHECK(::recv(upgrade.hello.channel.get(), bytes, sizeof bytes, 0) == 2);
  // The keeper has kept neither end.
  upgrade.begun.channel.reset();
  CHECK(::recv(upgrade.hello.channel.get(), bytes, sizeof bytes, 0) == 0);
}

TEST_CASE("keeper: before its commit a successor may look and change nothing") {
  Upgrade upgrade;
  StandIn& successor = upgrade.successor;
  base::UniqueFd null = open_null();
  (void)upgrade.old.ask<Done>(upgrade.old.client.hold("control", null.get()));
  Child child = upgrade.old.spawn(tag("web", 1, 1), shell("sleep 60"));
  CHECK(successor.children().size() == 1);
  auto names = successor.names();
  REQUIRE(names.size() == 1);
  CHECK(same_file(names[0].fd.get(), null.get()));

  Client& client = successor.client;
  CHECK(successor.refusal(client.spawn(successor.order_of(tag("web", 1, 2), shell("")))) == Code::not_owner);
  CHECK(successor.refusal(client.reap(child.pid)) == Code::not_owner);
  CHECK(successor.refusal(client.hold("x", null.get())) == Code::not_owner);
  CHECK(successor.refusal(client.release("control")) == Code::not_owner);
  CHECK(successor.refusal(client.end(Whom::predecessor)) == Code::not_owner);
  CHECK(successor.refusal(client.set_policy(seconds(1), seconds(1))) == Code::not_owner);
  CHECK(successor.refusal(client.notify("READY=1")) == Code::not_owner);
  CHECK(successor.refusal(client.begin_successor(null.get(), {}, seconds(1))) == Code::not_owner);
  CHECK(successor.refusal(client.bye(0)) == Code::not_owner);
  (void)successor.ask<Done>(client.alive());
  CHECK(upgrade.old.names().size() == 1);
  CHECK(upgrade.old.children().size() == 1);
}

TEST_CASE("keeper: the commit makes it the owner, and the predecessor decides nothing any more") {
  Upgrade upgrade;
  Child child = upgrade.old.spawn(tag("web", 1, 1), shell("exit 5"));
  (void)upgrade.old.await<ChildExited>();
  upgrade.commit();
  // What only the predecessor had heard is told again.
  CHECK(upgrade.successor.await<ChildExited>().pid == child.pid);
  CHECK(upgrade.old.refusal(upgrade.old.client.reap(child.pid)) == Code::not_owner);
  CHECK(upgrade.old.refusal(upgrade.old.client.serving()) == Code::not_owner);
  CHECK(upgrade.old.refusal(upgrade.old.client.bye(0)) == Code::not_owner);
  CHECK(upgrade.old.ask<Welcomed>(upgrade.old.client.hello()).facts.role == Whom::predecessor);
  CHECK(upgrade.successor.ask<Welcomed>(upgrade.successor.client.hello()).facts.predecessor ==
        upgrade.old.pid);
  CHECK(upgrade.successor.ask<Reaped>(upgrade.successor.client.reap(child.pid)).ending.number == 5);
  // Signals go to the owner.
  REQUIRE(::kill(upgrade.keeper.pid(), SIGHUP) == 0);
  CHECK(upgrade.successor.signal() == SIGHUP);

  upgrade.old.tell("exit 0");
  const auto ended = upgrade.successor.await<DaemonEnded>();
  CHECK(ended.facts.pid == upgrade.old.pid);
  CHECK(ended.facts.whom == Whom::predecessor);
  CHECK(ended.facts.ending.how == How::exited);
  CHECK_FALSE(upgrade.keeper.started(milliseconds(0)));
  (void)upgrade.successor.ask<Done>(upgrade.successor.client.alive());
}

TEST_CASE("keeper: a successor that dies before its commit has changed nothing") {
  Upgrade upgrade;
  upgrade.successor.tell("exit 2");
  const auto ended = upgrade.old.await<DaemonEnded>();
  CHECK(ended.facts.whom == Whom::successor);
  CHECK(ended.facts.ending.number == 2);
  CHECK(ended.facts.timed_out == 0);
  Child child = upgrade.old.spawn(tag("web", 1, 1), shell("exit 0"));
  // And another one may be tried.
  StandIn again = upgrade.begin(seconds(60));
  CHECK(again.ask<Welcomed>(again.client.hello()).facts.role == Whom::successor);
}

TEST_CASE("keeper: a successor that does not serve in time, or is given up, is killed") {
  Upgrade upgrade;
  (void)upgrade.old.ask<Done>(upgrade.old.client.end(Whom::successor));
  auto ended = upgrade.old.await<DaemonEnded>();
  CHECK(ended.facts.ending.number == SIGKILL);
  CHECK(ended.facts.timed_out == 0);
  CHECK(upgrade.old.refusal(upgrade.old.client.end(Whom::successor)) == Code::unknown);
  CHECK(upgrade.old.refusal(upgrade.old.client.end(Whom::predecessor)) == Code::unknown);
  StandIn slow = upgrade.begin(milliseconds(50));
  ended = upgrade.old.await<DaemonEnded>();
  CHECK(ended.facts.pid == slow.pid);
  CHECK(ended.facts.timed_out == 1);
}

TEST_CASE("keeper: one successor and one predecessor at most, and a file that cannot be executed is none") {
  Upgrade upgrade;
  CHECK(upgrade.old.refusal(upgrade.old.client.begin_successor(upgrade.file.get(), {}, seconds(1))) ==
        Code::busy);
  upgrade.commit();
  CHECK(upgrade.successor.refusal(
            upgrade.successor.client.begin_successor(upgrade.file.get(), {}, seconds(1))) == Code::busy);
  upgrade.old.tell("exit 0");
  (void)upgrade.successor.await<DaemonEnded>();
  base::UniqueFd text = program("/etc/passwd");
  const auto refused =
      upgrade.successor.ask<Refused>(upgrade.successor.client.begin_successor(text.get(), {}, seconds(1)));
  CHECK(refused.code == Code::failed);
  CHECK(refused.error == EACCES);
}

TEST_CASE("keeper: an owner that dies during an upgrade takes its successor with it") {
  Upgrade upgrade;
  const pid_t second = upgrade.successor.pid;
  upgrade.old.kill();
  StandIn third = upgrade.keeper.serving();
  CHECK(third.words == std::vector<std::string>{"-c", "file"});
  CHECK(test::wait_until([&] { return !test::alive(second); }));
}

TEST_CASE(
    "keeper: an owner that dies after the commit is followed by a third, from the file that served last") {
  test::TempFolder folder;
  const std::string copy = folder / "successor";
  std::filesystem::copy_file(GV_KEEPER_STAND_IN, copy);
  Keeper keeper;
  StandIn old = keeper.serving();
  base::UniqueFd file = program(copy.c_str());
  (void)old.ask<SuccessorStarted>(old.client.begin_successor(file.get(), {}, seconds(60)));
  {
    StandIn successor = keeper.serving();
    (void)old.await<Superseded>();
    // What is executed is the file, not the name.
    std::filesystem::remove(copy);
    successor.kill();
  }
  StandIn third = keeper.serving();
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(third.pid) + "/exe") == copy + " (deleted)");
  const auto hello = third.ask<Welcomed>(third.client.hello());
  CHECK(hello.facts.role == Whom::owner);
  CHECK(hello.facts.predecessor == old.pid);
  CHECK(old.refusal(old.client.bye(0)) == Code::not_owner);
}

TEST_CASE("keeper: a predecessor that is told to end gets TERM, and KILL if it does not") {
  Upgrade upgrade;
  upgrade.commit();
  (void)upgrade.successor.ask<Done>(upgrade.successor.client.set_policy(milliseconds(50), milliseconds(0)));
  (void)upgrade.successor.ask<Done>(upgrade.successor.client.end(Whom::predecessor));
  CHECK(upgrade.old.signal() == SIGTERM);
  const auto ended = upgrade.successor.await<DaemonEnded>();
  CHECK(ended.facts.ending.how == How::killed);
  CHECK(ended.facts.ending.number == SIGKILL);
}

}  // namespace
}  // namespace gracevisor::keeper::testing
