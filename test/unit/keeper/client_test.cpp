// The daemon's side of the protocol, with a keeper that the test plays.
#include "keeper/client.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>

#include "keeper/wire.h"
#include "support/scarce.h"

namespace gracevisor::keeper {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    client.emplace(base::UniqueFd(ends[0]));
    keeper.reset(ends[1]);
  }
  // What the client sent.
  Record take() {
    Record record;
    REQUIRE(packet.receive(keeper.get()) == Packet::Got::record);
    REQUIRE(read_order(packet.bytes(), packet.size(), packet.descriptors(), record) == Code::ok);
    return record;
  }
  void send(const Record& record, std::initializer_list<int> fds = {}) const {
    REQUIRE(send_record(keeper.get(), record, fds.begin(), fds.size()) == 0);
  }
  void answer_to(const Record& asked, Code code) const {
    send(answer(asked.header.kind, asked.header.serial, code));
  }

  std::optional<Client> client;
  base::UniqueFd keeper;
  Packet packet;
};

base::UniqueFd null() {
  return base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

TEST_CASE("keeper client: an order is out until its answer is read") {
  Pair pair;
  CHECK_FALSE(pair.client->next());
  REQUIRE(pair.client->alive());
  CHECK(pair.client->out(Kind::alive));
  CHECK(pair.client->alive().error().code == EBUSY);
  REQUIRE(pair.client->list(0));
  const Record alive = pair.take();
  pair.answer_to(alive, Code::ok);
  auto event = pair.client->next();
  REQUIRE(event);
  CHECK(std::get<Done>(*event).kind == Kind::alive);
  CHECK_FALSE(pair.client->out(Kind::alive));
  CHECK(pair.client->out(Kind::list));
  CHECK_FALSE(pair.client->next());
}

TEST_CASE("keeper client: a spawn carries what it has, in the protocol's order") {
  Pair pair;
  auto fd = null();
  SpawnOrder order;
  CHECK(pair.client->spawn(order).error().code == EINVAL);
  order.tag = *make_tag("web", "127.0.0.1:1");
  order.tag.generation = 42;
  order.helper = order.in = order.out = order.err = order.plan = fd.get();
  CHECK(pair.client->spawn(order).error().code == EINVAL);  // no report
  order.report = fd.get();
  order.kept_err = fd.get();
  REQUIRE(pair.client->spawn(order));
  const Record record = pair.take();
  CHECK(pair.packet.descriptors() == 7);
  CHECK(record.body.spawn.parts == kErr);
  CHECK(record.body.spawn.tag.generation == 42);
  Record started = answer(Kind::spawn, record.header.serial, Code::ok);
  started.body.spawned = {17, kPidfd};
  pair.send(started, {fd.get()});
  auto event = pair.client->next();
  REQUIRE(event);
  CHECK(std::get<Started>(*event).pid == 17);
  CHECK(std::get<Started>(*event).pidfd);
}

TEST_CASE("keeper client: a refusal names its order, its code and its errno") {
  Pair pair;
  REQUIRE(pair.client->reap(17));
  const Record record = pair.take();
  CHECK(record.body.reap.pid == 17);
  pair.send(answer(Kind::reap, record.header.serial, Code::failed, EAGAIN));
  auto event = pair.client->next();
  const auto& refused = std::get<Refused>(*event);
  CHECK(refused.kind == Kind::reap);
  CHECK(refused.code == Code::failed);
  CHECK(refused.error == EAGAIN);
  CHECK(pair.client->reap(17));
}

TEST_CASE("keeper client: entries of the list bring their descriptors") {
  Pair pair;
  auto fd = null();
  REQUIRE(pair.client->list(3));
  Record record = pair.take();
  CHECK(record.body.list.from == 3);
  Record child = answer(Kind::list, record.header.serial, Code::ok);
  child.body.entry.what = What::child;
  child.body.entry.next = 9;
  child.body.entry.pid = 17;
  child.body.entry.tag = *make_tag("web", "");
  child.body.entry.parts = kPidfd | kErr;
  pair.send(child, {fd.get(), fd.get()});
  auto event = pair.client->next();
  const auto& listed = std::get<ListedChild>(*event);
  CHECK(listed.next == 9);
  CHECK(listed.pidfd);
  CHECK_FALSE(listed.out);
  CHECK(listed.err);
  CHECK_FALSE(listed.report);

  REQUIRE(pair.client->list(9));
  record = pair.take();
  Record name = answer(Kind::list, record.header.serial, Code::ok);
  name.body.entry.what = What::name;
  REQUIRE(put_text(name.body.entry.name.text, sizeof(Name), "lock", 4));
  pair.send(name, {fd.get()});
  event = pair.client->next();
  CHECK(std::string(std::get<ListedName>(*event).name.text) == "lock");
  CHECK(std::get<ListedName>(*event).fd);

  REQUIRE(pair.client->list(9));
  record = pair.take();
  pair.answer_to(record, Code::ok);
  CHECK(std::holds_alternative<ListEnd>(*pair.client->next()));
}

TEST_CASE(
    "keeper client: without room for descriptors an entry is asked for later, and a child is still known") {
  Pair pair;
  auto fd = null();
  REQUIRE(pair.client->list(0));
  Record record = pair.take();
  Record name = answer(Kind::list, record.header.serial, Code::ok);
  name.body.entry.what = What::name;
  REQUIRE(put_text(name.body.entry.name.text, sizeof(Name), "lock", 4));
  pair.send(name, {fd.get()});
  REQUIRE(
      pair.client->spawn({*make_tag("web", ""), fd.get(), fd.get(), fd.get(), fd.get(), fd.get(), fd.get()}));
  record = pair.take();
  Record started = answer(Kind::spawn, record.header.serial, Code::ok);
  started.body.spawned = {17, kPidfd};
  pair.send(started, {fd.get()});
  pair.packet.clear();

  test::Scarce scarce;
  auto event = pair.client->next();
  REQUIRE(event);
  const auto* refused = std::get_if<Refused>(&*event);
  REQUIRE(refused != nullptr);
  CHECK(refused->code == Code::later);
  event = pair.client->next();
  REQUIRE(event);
  const auto* child = std::get_if<Started>(&*event);
  REQUIRE(child != nullptr);
  CHECK(child->pid == 17);
  CHECK_FALSE(child->pidfd);
}

TEST_CASE("keeper client: events come unasked, and unknown ones are passed over") {
  Pair pair;
  Record later = order(Kind::none, 0);
  later.header.kind = static_cast<Kind>(200);
  pair.send(later);
  Record exited = answer(Kind::exited, 0, Code::ok);
  exited.body.exit = {17, {How::dumped, SIGSEGV}, 0};
  pair.send(exited);
  Record ended = answer(Kind::daemon_ended, 0, Code::ok);
  ended.body.daemon = {18, Whom::successor, {How::exited, 2}, 0};
  pair.send(ended);
  auto event = pair.client->next();
  REQUIRE(event);
  CHECK(as_status(std::get<ChildExited>(*event).ending) == spawn::ExitStatus(spawn::Signaled{SIGSEGV, true}));
  event = pair.client->next();
  REQUIRE(event);
  CHECK(std::get<DaemonEnded>(*event).facts.pid == 18);
}

TEST_CASE("keeper client: an answer that nobody waits for is nonsense, and so are bytes") {
  Pair pair;
  pair.send(answer(Kind::alive, 1, Code::ok));
  CHECK(std::holds_alternative<Nonsense>(*pair.client->next()));
  REQUIRE(pair.client->alive());
  const Record alive = pair.take();
  pair.send(answer(Kind::alive, alive.header.serial + 1, Code::ok));
  CHECK(std::holds_alternative<Nonsense>(*pair.client->next()));
  REQUIRE(::send(pair.keeper.get(), "x", 1, 0) == 1);
  CHECK(std::holds_alternative<Nonsense>(*pair.client->next()));
  REQUIRE(::send(pair.keeper.get(), "", 0, 0) == 0);
  CHECK(std::holds_alternative<Nonsense>(*pair.client->next()));
}

TEST_CASE("keeper client: the keeper's end is told") {
  Pair pair;
  pair.keeper.reset();
  CHECK(std::holds_alternative<KeeperGone>(*pair.client->next()));
  CHECK(pair.client->hello().error().code == EPIPE);
}

TEST_CASE("keeper client: what a keeper said before its end is read, although it had not read everything") {
  Pair pair;
  REQUIRE(pair.client->alive());
  REQUIRE(pair.client->hello());
  const Record alive = pair.take();
  pair.answer_to(alive, Code::ok);
  pair.keeper.reset();
  auto event = pair.client->next();
  REQUIRE(event);
  REQUIRE(std::holds_alternative<Done>(*event));
  CHECK(std::holds_alternative<KeeperGone>(*pair.client->next()));
}

TEST_CASE("keeper client: a keeper that does not read makes orders fail, not wait") {
  Pair pair;
  int code = 0;
  for (int i = 0; code == 0 && i < 10'000; ++i) {
    const Record filler = order(Kind::alive, 0);
    const int error = send_record(pair.client->fd(), filler, nullptr, 0);
    if (error != 0) code = error;
  }
  CHECK(code == EAGAIN);
  CHECK(pair.client->hello().error().code == EAGAIN);
  CHECK_FALSE(pair.client->out(Kind::hello));
}

TEST_CASE("keeper client: texts that do not fit are not sent") {
  Pair pair;
  auto fd = null();
  CHECK(pair.client->hold(std::string(192, 'x'), fd.get()).error().code == EINVAL);
  CHECK(pair.client->hold(std::string(191, 'x'), fd.get()));
  CHECK(pair.client->release("").error().code == EINVAL);
  CHECK(pair.client->notify(std::string(300, 'x')).error().code == EINVAL);
  CHECK(pair.client->bye(256).error().code == EINVAL);
  using std::chrono::seconds;
  CHECK(pair.client->begin_successor(fd.get(), {std::string_view("x"), std::string(399, 'x')}, seconds(1))
            .error()
            .code == EINVAL);
  CHECK(pair.client->begin_successor(fd.get(), {std::string_view("--a"), std::string_view("b")}, seconds(1)));
  CHECK_FALSE(make_tag("", ""));
  CHECK_FALSE(make_tag(std::string(64, 'x'), ""));
  CHECK(make_tag(std::string(63, 'x'), std::string(127, 'x')));
}

TEST_CASE("keeper client: a variable alone makes no keeper") {
  REQUIRE(::setenv("GV_KEEPER", "3", 1) == 0);
  CHECK_FALSE(Client::from_environment());
  CHECK(::getenv("GV_KEEPER") == nullptr);
  CHECK_FALSE(Client::from_environment());
}

}  // namespace
}  // namespace gracevisor::keeper
