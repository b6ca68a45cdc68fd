// A daemon takes over clients of its predecessor, and what happens when one of the two cannot.
#include "proxy/inheritance.h"

#include <vector>

#include "daemons.h"
#include "support/loop/quiet.h"
#include "support/scarce.h"
#include "support/shifted_clock.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using succession::ClientChannel;
using succession::ClientState;

// The test is the predecessor.
struct Given {
  Given() {
    d.prepare();
    d.settle();
  }
  RawEnd give(ClientState state) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    base::UniqueFd connection(ends[0]);
    RawEnd client{base::UniqueFd(ends[1])};
    REQUIRE(d.channel.in->give(connection.get(), state) == ClientChannel::Given::given);
    connection.reset();
    d.settle();
    (void)client.pump();
    return client;
  }
  [[nodiscard]] ClientState state(std::string bytes = "") const {
    return {.listener = d.after.sockets().address.text(),
            .client = base::Address::tcp_loopback(base::Port(0)),
            .preface = false,
            .served = false,
            .bytes = std::move(bytes)};
  }
  Daemons d;
};

TEST_CASE("inheritance: two hundred idle connections go through a narrow channel, and none is closed") {
  Daemons d;
  d.channel.narrow();
  std::vector<RawEnd*> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(&d.before.connect());
    if (i % 50 == 0) d.settle();
  }
  d.settle();
  d.hand_over();
  d.before.settle();
  CHECK(d.handed() > 0);
  CHECK(d.to_hand() == 200 - d.handed());
  // It looks again a little later, and does not turn in the meantime.
  const std::uint64_t first = d.handed();
  d.before.settle();
  CHECK(d.handed() == first);
  d.prepare();
  for (int i = 0; i < 200 && d.to_hand() > 0; ++i) d.pass(5ms);
  CHECK(d.to_hand() == 0);
  CHECK(d.handed() == 200);
  CHECK(d.taken() == 200);
  CHECK(d.open_after() == 200);
  for (RawEnd* client : clients) {
    CHECK(client->end() == End::open);
    client->send("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
  }
  d.settle();
  for (RawEnd* client : clients) CHECK(client->received().starts_with("HTTP/1.1 200 "));
}

TEST_CASE(
    "inheritance: a request that finds the channel full waits a moment for it, then it is served here") {
  for (bool read : {true, false}) {
    CAPTURE(read);
    const FrozenClock clock;  // the moment is short
    Daemons d;
    d.channel.narrow();
    RawEnd& client = d.before.connect();
    CHECK(stays_open(served_by(d, d.before, client)));
    for (int i = 0; i < 40; ++i) (void)d.before.connect();
    d.settle();
    if (read) {
      d.hand_over();
      d.before.settle();
      CHECK(d.to_hand() > 0);
      client.send(get("/"));
      d.before.settle();
      CHECK(d.before.app(0)->take().empty());
      d.prepare();
      for (int i = 0; i < 8 && d.to_hand() > 0; ++i) d.pass(5ms);
      REQUIRE(d.after.app(0) != nullptr);
      d.after.app(0)->send(ok("served"));
      d.settle();
      CHECK(stays_open(client.take()));
    } else {
      d.hand_over();
      d.before.settle();
      const std::uint64_t waiting = d.to_hand();
      client.send(get("/"));
      d.before.settle();
      CHECK(d.before.app(0)->take().empty());
      d.before.pass(70ms);
      CHECK(d.before.app(0)->take().starts_with("GET / "));
      CHECK(d.to_hand() == waiting - 1);
      d.before.app(0)->send(ok("served"));
      d.before.settle();
      CHECK(ends_with_it(client.take(), client));
    }
  }
}

TEST_CASE(
    "inheritance: the clients of a daemon whose successor has died end with their next answer, or soon") {
  Daemons d;
  RawEnd& idle = d.before.connect();
  RawEnd& asking = d.before.connect();
  RawEnd& busy = d.before.connect();
  CHECK(stays_open(served_by(d, d.before, idle)));
  CHECK(stays_open(served_by(d, d.before, asking)));
  busy.send(get("/"));
  d.settle();
  d.channel.out.reset();  // no table has it yet
  d.hand_over();
  d.before.settle();
  CHECK(d.handed() == 0);
  CHECK(d.to_hand() == 0);
  CHECK(idle.end() == End::open);
  d.before.app(0)->send(ok("served"));
  d.before.settle();
  CHECK(ends_with_it(busy.take(), busy));
  asking.send(get("/"));
  d.before.settle();
  d.before.app(0)->send(ok("served"));
  d.before.settle();
  CHECK(ends_with_it(asking.take(), asking));
  d.before.pass(6s);
  CHECK(idle.end() == End::finished);
  CHECK(idle.take().empty());
  CHECK(d.open_before() == 0);
}

TEST_CASE("inheritance: what a dead successor did not get goes to the next one") {
  Daemons d;
  RawEnd& client = d.before.connect();
  CHECK(stays_open(served_by(d, d.before, client)));
  d.channel.out.reset();
  d.hand_over();
  d.before.settle();
  d.channel = Channel();
  d.succeed();
  CHECK(d.handed() == 1);
  CHECK(stays_open(served_by(d, d.after, client)));
}

TEST_CASE("inheritance: a successor that dies between two connections is noticed at the second") {
  Daemons d;
  RawEnd& first = d.before.connect();
  RawEnd& second = d.before.connect();
  second.send(get("/"));
  d.settle();
  d.succeed();
  CHECK(d.handed() == 1);
  CHECK(first.end() == End::open);
  REQUIRE(d.after.finish() == "");
  REQUIRE(::shutdown(d.channel.out->fd(), SHUT_RDWR) == 0);
  d.before.app(0)->send(ok("served"));
  d.before.settle();
  CHECK(stays_open(second.take()));
  CHECK(d.to_hand() == 0);
  second.send(get("/"));
  d.before.settle();
  d.before.app(0)->send(ok("served"));
  d.before.settle();
  CHECK(ends_with_it(second.take(), second));
}

TEST_CASE("inheritance: a listener that is not known costs a connection its answer, or ends it in silence") {
  Given g;
  ClientState state = g.state();
  state.listener = "192.0.2.1:80";
  RawEnd silent = g.give(state);
  CHECK(silent.received().empty());
  CHECK(silent.end() == End::finished);
  state.bytes = get("/");
  RawEnd asked = g.give(state);
  CHECK(asked.received().starts_with("HTTP/1.1 503 "));
  CHECK(value_of(asked.received(), "Connection") == "close");
  CHECK(asked.end() == End::finished);
  state.preface = true;
  RawEnd preface = g.give(state);
  CHECK(preface.received().empty());
  CHECK(preface.end() == End::finished);
  asked.close();
  g.d.after.publish();
  CHECK(g.d.taken() == 3);
  CHECK(g.d.after.app_connections() == 0);
  CHECK(g.d.after.finish() == "");
}

TEST_CASE("inheritance: what comes is refused as a new connection would be") {
  Given g;
  g.d.after.listener.max_connections_per_client = 1;
  g.d.after.publish();
  RawEnd first = g.give(g.state("GET / HTTP/1.1\r\n"));
  CHECK(first.received().empty());
  RawEnd second = g.give(g.state(get("/")));
  CHECK(value_of(second.received(), "X-Gv-Error") == "too-many-connections");
  CHECK(value_of(second.received(), "Connection") == "close");
  CHECK(first.end() == End::open);
  // Where all places are taken, too.
  g.d.after.listener.max_connections_per_client.reset();
  g.d.after.room.clients = 1;
  g.d.after.publish();
  RawEnd third = g.give(g.state(get("/")));
  CHECK(value_of(third.received(), "X-Gv-Error") == "too-many-connections");
  CHECK(g.d.after.shortages().turned_away.read() == 1);
}

TEST_CASE("inheritance: bytes that are no request are answered as anybody's") {
  Given g;
  RawEnd bad = g.give(g.state("nonsense\r\n\r\n"));
  CHECK(bad.received().starts_with("HTTP/1.1 400 "));
  ClientState state = g.state("no PROXY header");
  state.preface = true;
  RawEnd preface = g.give(state);
  CHECK(preface.received().empty());
  CHECK(preface.end() == End::finished);
}

TEST_CASE("inheritance: without a descriptor a connection is lost, and the shortage is told") {
  Given g;
  RawEnd before = g.give(g.state());
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  RawEnd client{base::UniqueFd(ends[1])};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(g.d.channel.in->give(ends[0], g.state()) == ClientChannel::Given::given);
  }
  base::UniqueFd(ends[0]).reset();
  {
    Scarce none;
    g.d.after.settle();
    CHECK(g.d.after.shortages().accept.read() == 1);
    CHECK(g.d.after.shortages().code.read() == EMFILE);
    CHECK(g.d.taken() == 1);
  }
  // The next one waits until it looks again.
  g.d.after.pass(150ms);
  CHECK(g.d.taken() == 2);
  (void)client.pump();
  CHECK(client.end() == End::open);
}

TEST_CASE("inheritance: the end of the predecessor is noticed once, and what it gave before stays") {
  Given g;
  RawEnd client = g.give(g.state());
  REQUIRE(g.d.before.finish() == "");
  g.d.channel.in.reset();
  g.d.after.settle();
  client.send("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
  (void)client.pump();
  g.d.after.settle();
  (void)client.pump();
  CHECK(client.received().starts_with("HTTP/1.1 200 "));
  g.d.after.publish();
  g.d.after.settle();  // and comes to rest
}

// It ends behind what it gave last, and the table may know that sooner than the worker.
TEST_CASE("inheritance: what a predecessor gave is taken even when the table no longer names it") {
  Given g;
  g.d.after.predecessor.reset();
  g.d.after.publish();
  RawEnd client = g.give(g.state());
  CHECK(g.d.taken() == 1);
  CHECK(client.end() == End::open);
  REQUIRE(g.d.before.finish() == "");
  g.d.channel.in.reset();
  g.d.after.settle();
  g.d.after.publish();
  g.d.after.settle();  // and comes to rest
  CHECK(client.end() == End::open);
}

TEST_CASE("inheritance: clients that ask all the time lose nothing, whenever the successor comes") {
  constexpr std::size_t kClients = 16;
  constexpr std::size_t kRequests = 40;
  const std::string request = "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";
  for (unsigned when = 0; when < 40; ++when) {
    Daemons d;
    struct Client {
      RawEnd* end = nullptr;
      std::size_t asked = 0;
    };
    std::vector<Client> clients;
    for (std::size_t i = 0; i < kClients; ++i) clients.push_back({&d.before.connect()});
    d.settle();
    d.prepare();
    std::size_t answered = 0;
    for (unsigned turn = 0; turn < 20'000 && answered < kClients * kRequests; ++turn) {
      if (turn == when) d.hand_over();
      answered = 0;
      for (std::size_t i = 0; i < kClients; ++i) {
        Client& client = clients[i];
        const std::size_t got = read_responses(client.end->received(), client.end->end()).messages.size();
        answered += got;
        // Some pipeline, some send half a request at a time.
        const std::size_t ahead = i % 3 == 0 ? 2 : 0;
        if (client.asked < kRequests && client.asked <= got + ahead) {
          const std::size_t cut = i % 4 == 1 ? turn % request.size() : 0;
          client.end->send(request.substr(0, cut));
          (void)client.end->pump();
          client.end->send(request.substr(cut));
          ++client.asked;
        }
        (void)client.end->pump();
      }
      d.before.turn();
      d.after.turn();
    }
    CAPTURE(when);
    CHECK(answered == kClients * kRequests);
    for (const Client& client : clients) {
      CHECK(client.end->end() == End::open);
      const Wire wire = read_responses(client.end->received(), End::open);
      CHECK(wire.problem.empty());
      CHECK(wire.messages.size() == kRequests);
      for (const WireMessage& message : wire.messages) CHECK(message.field("Connection") == "keep-alive");
    }
    CHECK(d.handed() == kClients);
    CHECK(d.taken() == kClients);
  }
}

}  // namespace
}  // namespace gracevisor::test
