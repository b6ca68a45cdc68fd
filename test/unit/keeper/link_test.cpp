// Orders in line and their answers, and what is told unasked, with a keeper that the test plays.
#include "keeper/link.h"

#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "keeper/held.h"
#include "unit/keeper/keeper_end.h"

namespace gracevisor::keeper {
namespace {

using testing::KeeperEnd;

struct Heard final : LinkListener {
  std::vector<std::string> noted;
  void on_exited(const ChildExited& child) override {
    noted.push_back("exited " + std::to_string(child.pid));
  }
  void on_superseded(const Superseded& by) override {
    noted.push_back("superseded " + std::to_string(by.owner));
  }
  void on_daemon_ended(const DaemonEnded& daemon) override {
    noted.push_back("ended " + std::to_string(daemon.facts.pid));
  }
  void on_keeper_gone() override { noted.emplace_back("gone"); }
};

struct Fixture {
  KeeperEnd keeper;
  Heard heard;
  std::unique_ptr<Link> link = std::move(*Link::open(keeper.loop(), keeper.client()));
  std::vector<std::string> answers;

  Fixture() { link->listen(heard); }
  // Notes the answer under this name.
  template <class T>
  Link::Answer<T> note(const std::string& name) {
    return [this, name](std::expected<T, Refused> answer) {
      answers.push_back(name +
                        (answer ? " ok" : " " + std::to_string(static_cast<int>(answer.error().code))));
    };
  }
  bool until_answered(std::size_t count) {
    return keeper.until([&] { return answers.size() == count; });
  }
};

base::UniqueFd null() {
  return base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

TEST_CASE("keeper link: orders are sent one after the other, each when the one before is answered") {
  Fixture f;
  f.link->reap(7, f.note<Reaped>("reap"));
  f.link->hold("listen/a", null(), f.note<Done>("hold"));
  f.link->release("listen/b", f.note<Done>("release"));
  CHECK(f.link->waiting() == 3);
  const Record reap = f.keeper.take();
  CHECK(reap.header.kind == Kind::reap);
  CHECK(f.keeper.silent());
  Record reaped = answer(Kind::reap, reap.header.serial, Code::ok);
  reaped.body.exit = {7, {How::exited, 3}, 0};
  f.keeper.send(reaped);
  const Record hold = f.keeper.take();
  CHECK(hold.header.kind == Kind::hold);
  CHECK(f.keeper.packet().descriptors() == 1);
  CHECK(f.answers == std::vector<std::string>{"reap ok"});
  f.keeper.refuse(hold, Code::no_room);
  const Record release = f.keeper.take();
  CHECK(release.header.kind == Kind::release);
  f.keeper.accept(release);
  REQUIRE(f.until_answered(3));
  CHECK(f.answers.at(1) == "hold " + std::to_string(static_cast<int>(Code::no_room)));
  CHECK(f.answers.at(2) == "release ok");
  CHECK(f.link->waiting() == 0);
}

TEST_CASE("keeper link: nothing is told or answered inside a call, also where the order cannot be sent") {
  Fixture f;
  f.link->hold(std::string(500, 'x'), null(), f.note<Done>("hold"));
  CHECK(f.answers.empty());
  REQUIRE(f.until_answered(1));
  CHECK(f.answers.front() == "hold " + std::to_string(static_cast<int>(Code::failed)));
  f.link->alive();
  CHECK(f.keeper.take().header.kind == Kind::alive);
}

TEST_CASE("keeper link: what the keeper cannot do yet is ordered again, with its descriptors") {
  Fixture f;
  f.link->hold("listen/a", null(), f.note<Done>("hold"));
  for (int i = 0; i < 3; ++i) {
    const Record hold = f.keeper.take();
    CHECK(hold.header.kind == Kind::hold);
    CHECK(f.keeper.packet().descriptors() == 1);
    f.keeper.refuse(hold, Code::later);
  }
  f.keeper.accept(f.keeper.take());
  REQUIRE(f.until_answered(1));
  CHECK(f.answers.front() == "hold ok");
}

TEST_CASE("keeper link: events reach the listener between answers") {
  Fixture f;
  f.link->reap(7, f.note<Reaped>("reap"));
  const Record reap = f.keeper.take();
  f.keeper.tell_exit(8, {How::killed, SIGKILL});
  Record superseded = answer(Kind::superseded, 0, Code::ok);
  superseded.body.daemon = {99, Whom::owner, {}, 0};
  f.keeper.send(superseded);
  f.keeper.refuse(reap, Code::living);
  REQUIRE(f.until_answered(1));
  CHECK(f.heard.noted == std::vector<std::string>{"exited 8", "superseded 99"});
}

TEST_CASE("keeper link: once the keeper is gone, every order is refused, and that is told once") {
  Fixture f;
  f.link->reap(7, f.note<Reaped>("out"));
  (void)f.keeper.take();
  f.link->release("a", f.note<Done>("waits"));
  f.keeper.die();
  REQUIRE(f.until_answered(2));
  CHECK(f.link->gone());
  f.link->release("b", f.note<Done>("later"));
  CHECK(f.answers.size() == 2);
  REQUIRE(f.until_answered(3));
  for (const std::string& one : f.answers)
    CHECK(one.ends_with(std::to_string(static_cast<int>(Code::failed))));
  CHECK(f.heard.noted == std::vector<std::string>{"gone"});
  f.link->bye(0);
}

TEST_CASE("keeper link: a keeper that talks nonsense is none") {
  Fixture f;
  f.keeper.send(answer(Kind::reap, 77, Code::ok));  // nobody asked
  REQUIRE(f.keeper.until([&] { return f.link->gone(); }));
  CHECK(f.heard.noted == std::vector<std::string>{"gone"});
}

TEST_CASE("keeper link: after close() nothing is told any more") {
  Fixture f;
  f.link->reap(7, f.note<Reaped>("reap"));
  const Record reap = f.keeper.take();
  f.link->close();
  f.keeper.tell_exit(8, {How::exited, 0});
  f.keeper.refuse(reap, Code::living);
  CHECK(f.keeper.silent());
  CHECK(f.answers.empty());
  CHECK(f.heard.noted.empty());
}

TEST_CASE(
    "keeper link: behind the order for a successor, what changes anything waits until the link goes on") {
  Fixture f;
  f.link->reap(7, f.note<Reaped>("before"));
  f.link->begin_successor(null(), std::chrono::seconds(30), f.note<SuccessorStarted>("successor"));
  f.link->reap(8, f.note<Reaped>("after"));
  f.link->release("listen/a", f.note<Done>("release"));
  f.link->notify("STATUS=upgrade");
  f.keeper.refuse(f.keeper.take(), Code::unknown);
  const Record successor = f.keeper.take();
  CHECK(successor.header.kind == Kind::successor);
  CHECK(successor.body.successor.patience == 30'000);
  CHECK(f.keeper.packet().descriptors() == 1);
  f.keeper.refuse(successor, Code::failed, ENOEXEC);
  const Record notify = f.keeper.take();
  CHECK(notify.header.kind == Kind::notify);
  f.keeper.accept(notify);
  CHECK(f.keeper.silent());
  CHECK(f.link->waiting() == 2);
  // It is alive, although orders wait.
  f.link->alive();
  f.keeper.accept(f.keeper.take());
  f.link->resume();
  const Record reap = f.keeper.take();
  CHECK(reap.header.kind == Kind::reap);
  CHECK(reap.body.reap.pid == 8);
  f.keeper.refuse(reap, Code::living);
  CHECK(f.keeper.take().header.kind == Kind::release);
}

TEST_CASE("keeper link: one that begins paused still says that it serves") {
  Fixture f;
  f.link->pause();
  f.link->hold("listen/a", null(), f.note<Done>("hold"));
  f.link->serving(f.note<Done>("serving"));
  const Record serving = f.keeper.take();
  CHECK(serving.header.kind == Kind::serving);
  f.keeper.accept(serving);
  REQUIRE(f.until_answered(1));
  CHECK(f.keeper.silent());
  f.link->resume();
  CHECK(f.keeper.take().header.kind == Kind::hold);
}

TEST_CASE("keeper link: bye comes after what is out, and carries the status") {
  Fixture f;
  f.link->alive();
  f.keeper.accept(f.keeper.take());
  f.link->bye(3);
  const Record bye = f.keeper.take();
  CHECK(bye.header.kind == Kind::bye);
  CHECK(bye.body.bye.status == 3);
}

// Answers each `list` in turn from another process's point of view: here, before the daemon asks.
TEST_CASE("keeper link: a list is asked for entry by entry, and an end that is told meanwhile counts") {
  KeeperEnd keeper;
  Client client = keeper.client();
  Record child = answer(Kind::list, 1, Code::ok);
  child.body.entry.what = What::child;
  child.body.entry.next = 1;
  child.body.entry.pid = 42;
  child.body.entry.tag = *make_tag("web", "");
  keeper.send(child);
  keeper.tell_exit(42, {How::exited, 5});
  Record name = answer(Kind::list, 2, Code::ok);
  name.body.entry.what = What::name;
  name.body.entry.next = 3000;
  REQUIRE(put_text(name.body.entry.name.text, sizeof name.body.entry.name.text, "control", 7));
  auto held = null();
  keeper.send(name, {held.get()});
  keeper.send(answer(Kind::list, 3, Code::ok));
  auto listed = list_all(client);
  REQUIRE_MESSAGE(listed.has_value(), listed.error().what);
  REQUIRE(listed->children.size() == 1);
  CHECK(listed->children.front().pid == 42);
  CHECK(listed->children.front().ending.how == How::exited);
  CHECK(listed->children.front().ending.number == 5);
  REQUIRE(listed->names.size() == 1);
  CHECK(std::string(listed->names.front().name.text) == "control");
  CHECK(listed->names.front().fd);
}

TEST_CASE("keeper link: a keeper that ends or refuses while it is greeted is an error") {
  {
    KeeperEnd keeper;
    Client client = keeper.client();
    keeper.send(answer(Kind::hello, 1, Code::unsupported));
    CHECK_FALSE(greet(client));
  }
  KeeperEnd keeper;
  Client client = keeper.client();
  keeper.die();
  CHECK_FALSE(greet(client));
  CHECK_FALSE(list_all(client));
}

struct Holding {
  KeeperEnd keeper;
  Heard heard;
  std::unique_ptr<Link> link = std::move(*Link::open(keeper.loop(), keeper.client()));
  std::vector<std::string> failed;
  Held held{found(), [this](const std::string& name, const base::Error&) { failed.push_back(name); }};

  Holding() { link->listen(heard); }
  static std::vector<ListedName> found() {
    std::vector<ListedName> names;
    for (const std::string name : {"listen/a/0", "listen/b/0", "lock/state"}) {
      ListedName& one = names.emplace_back();
      REQUIRE(put_text(one.name.text, sizeof one.name.text, name.data(), name.size()));
      one.fd = null();
    }
    return names;
  }
};

TEST_CASE("held: what was found is taken once, stays held, and the rest can be taken and released") {
  Holding f;
  f.held.connect(*f.link);
  CHECK(f.held.found_any());
  CHECK(f.held.take("listen/a/0"));
  CHECK_FALSE(f.held.take("listen/a/0"));
  CHECK_FALSE(f.held.take("listen/c/0"));
  CHECK(f.keeper.silent());
  const auto rest = f.held.take_rest("listen/");
  REQUIRE(rest.size() == 1);
  CHECK(rest.begin()->first == "listen/b/0");
  const Record release = f.keeper.take();
  CHECK(release.header.kind == Kind::release);
  CHECK(std::string(release.body.name.text) == "listen/b/0");
  CHECK(f.held.take("lock/state"));
}

TEST_CASE(
    "held: what is held before the link is there is ordered then, and a name in use is given up first") {
  Holding f;
  auto fd = null();
  f.held.hold("exec", fd.get());
  f.held.hold("lock/state", fd.get());
  f.held.connect(*f.link);
  std::vector<std::string> orders;
  for (int i = 0; i < 3; ++i) {
    const Record order = f.keeper.take();
    orders.push_back((order.header.kind == Kind::hold ? "hold " : "release ") +
                     std::string(order.body.name.text));
    if (i == 0) {
      f.keeper.refuse(order, Code::no_room);
    } else {
      f.keeper.accept(order);
    }
  }
  CHECK(orders == std::vector<std::string>{"hold exec", "release lock/state", "hold lock/state"});
  REQUIRE(f.keeper.until([&] { return !f.failed.empty(); }));
  CHECK(f.failed == std::vector<std::string>{"exec"});
  CHECK(fd);  // a copy was sent
}

}  // namespace
}  // namespace gracevisor::keeper
