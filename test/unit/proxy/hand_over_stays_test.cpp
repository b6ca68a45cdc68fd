// What a daemon keeps though it has a successor: tunnels, what a listener that leaves still serves, and all
// once there is no successor any more.
#include "daemons.h"
#include "proxy/hand_over.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

TEST_CASE("hand over: a tunnel stays until it ends, and what asks for one may go") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  d.settle();
  d.before.app(0)->send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  d.settle();
  d.succeed();
  CHECK(client.take().starts_with("HTTP/1.1 101 "));
  CHECK(d.handed() == 0);
  CHECK(d.to_hand() == 0);
  client.send("up");
  d.before.app(0)->send("down");
  d.settle();
  CHECK(d.before.app(0)->received().ends_with("up"));
  CHECK(client.take() == "down");
  d.before.app(0)->finish_writing();
  client.finish_writing();
  d.settle();
  CHECK(client.end() == End::finished);
  CHECK(d.open_before() == 0);
}

TEST_CASE("hand over: a connection in TCP mode stays once it has begun") {
  Daemons d;
  for (CoreRig* rig : {&d.before, &d.after}) {
    rig->web.protocol = config::Protocol::tcp;
    rig->tcp = rig->web.id;
    rig->publish();
  }
  RawEnd& client = d.before.connect();
  d.settle();
  d.succeed();
  client.send("up");
  d.before.app(0)->send("down");
  d.settle();
  CHECK(d.before.app(0)->received() == "up");
  CHECK(client.take() == "down");
  RawEnd& next = d.after.connect();
  next.send("new");
  d.settle();
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(d.after.app(0)->received() == "new");
  CHECK(d.handed() == 0);
}

TEST_CASE("hand over: what waits to be accepted is left to the successor") {
  for (bool closing : {false, true}) {
    Daemons d;
    d.before.closing = closing;
    d.prepare();
    RawEnd& waiting = d.before.connect();
    waiting.send(get("/"));
    (void)waiting.pump();
    d.hand_over();
    d.before.settle();
    CHECK(d.before.app_connections() == 0);
    CHECK(d.before.sockets().ledger->cells[0].accepted.read() == 0);
    d.settle();
    REQUIRE(d.after.app(0) != nullptr);
    d.after.app(0)->send(ok("served"));
    d.settle();
    CHECK(stays_open(waiting.take()));
    CHECK(d.before.finish() == "");
    (void)d.after.app(0)->take();
    d.after.connect().send(get("/late"));
    d.after.settle();
    CHECK(d.after.app(0)->take().starts_with("GET /late "));
  }
}

TEST_CASE("hand over: a daemon that shuts down hands over what is idle, and its answers end the connection") {
  Daemons d;
  RawEnd& idle = d.before.connect();
  CHECK(stays_open(served_by(d, d.before, idle)));
  RawEnd& busy = d.before.connect();
  busy.send(get("/"));
  d.settle();
  d.before.closing = true;
  d.succeed();
  CHECK(d.handed() == 1);
  CHECK(stays_open(served_by(d, d.after, idle)));
  d.before.app(0)->send(ok("served"));
  d.settle();
  CHECK(ends_with_it(busy.take(), busy));
  CHECK(d.handed() == 1);
}

TEST_CASE("hand over: the connections of a listener that leaves stay, and end with their next answer") {
  Daemons d;
  RawEnd& client = d.before.connect();
  CHECK(stays_open(served_by(d, d.before, client)));
  d.before.leaving = true;
  d.succeed();
  CHECK(d.handed() == 0);
  CHECK(d.to_hand() == 0);
  CHECK(ends_with_it(served_by(d, d.before, client), client));
}

TEST_CASE("hand over: a daemon that has no successor any more goes on") {
  Daemons d;
  d.channel.narrow();
  RawEnd& client = d.before.connect();
  d.settle();
  for (int i = 0; i < 40; ++i) (void)d.before.connect();
  d.settle();
  d.hand_over();
  d.before.settle();
  CHECK(d.to_hand() > 0);
  client.send(get("/"));
  d.before.settle();
  CHECK(d.before.app_connections() == 0);
  d.before.successor.reset();
  d.before.publish();
  d.before.settle();
  CHECK(d.to_hand() == 0);
  REQUIRE(d.before.app_connections() == 1);
  d.before.app(0)->send(ok("served"));
  d.before.settle();
  CHECK(stays_open(client.take()));
  const std::size_t accepted = d.before.sockets().ledger->cells[0].accepted.read();
  (void)d.before.connect();
  d.before.settle();
  CHECK(d.before.sockets().ledger->cells[0].accepted.read() == accepted + 1);
}

}  // namespace
}  // namespace gracevisor::test
