// A daemon hands its clients to its successor: which of them go, when, and with what.
#include "proxy/hand_over.h"

#include "daemons.h"
#include "support/shifted_clock.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using Family = CoreRig::Family;

TEST_CASE("hand over: an idle connection goes, and its client notices nothing") {
  for (Family family : {Family::tcp, Family::local}) {
    Daemons d({.clients = family});
    RawEnd& client = d.before.connect();
    CHECK(stays_open(served_by(d, d.before, client)));
    d.succeed();
    CHECK(d.handed() == 1);
    CHECK(d.taken() == 1);
    CHECK(d.to_hand() == 0);
    CHECK(d.open_before() == 0);
    CHECK(d.open_after() == 1);
    CHECK(client.end() == End::open);
    CHECK(client.take().empty());
    for (int i = 0; i < 3; ++i) CHECK(stays_open(served_by(d, d.after, client)));
    CHECK(d.before.counts().requests.read() == 1);
    CHECK(d.after.counts().requests.read() == 3);
    CHECK(client.end() == End::open);
    CHECK(d.before.finish() == "");
    CHECK_FALSE(client.pump());
    CHECK(client.end() == End::open);
  }
}

TEST_CASE("hand over: a connection that has asked nothing yet goes, and has its time for the first head") {
  Daemons d;
  RawEnd& fresh = d.before.connect();
  RawEnd& used = d.before.connect();
  CHECK(stays_open(served_by(d, d.before, used)));
  d.succeed();
  CHECK(d.handed() == 2);
  d.pass(9s);
  CHECK(fresh.end() == End::open);
  d.pass(2s);
  CHECK(fresh.end() == End::finished);
  CHECK(used.end() == End::open);
  d.pass(48s);
  CHECK(used.end() == End::open);
  d.pass(2s);
  CHECK(used.end() == End::finished);
  CHECK(used.take().empty());
}

TEST_CASE("hand over: a connection goes after the answer that is under way, which announces no end") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.send(get("/"));
  d.settle();
  d.succeed();
  CHECK(d.handed() == 0);
  CHECK(d.to_hand() == 0);
  d.before.app(0)->send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nser");
  d.settle();
  CHECK(d.handed() == 0);
  d.before.app(0)->send("ved");
  d.settle();
  CHECK(stays_open(client.take()));
  CHECK(d.handed() == 1);
  CHECK(stays_open(served_by(d, d.after, client)));
}

TEST_CASE("hand over: a request whose body is still coming is served to its end, and then goes") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
  d.settle();
  d.succeed();
  CHECK(d.handed() == 0);
  client.send("56789" + get("/next"));
  d.settle();
  REQUIRE(d.before.app(0) != nullptr);
  CHECK(d.before.app(0)->received().ends_with("0123456789"));
  CHECK(d.handed() == 0);
  d.before.app(0)->send(ok("served"));
  d.settle();
  CHECK(stays_open(client.take()));
  CHECK(d.handed() == 1);
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(d.after.app(0)->received().starts_with("GET /next "));
}

TEST_CASE("hand over: what follows a body goes, though the body's last bytes bring the answer at once") {
  Daemons d;
  d.before.web.hold = 0s;
  d.before.publish();
  d.before.refuse(0);
  RawEnd& client = d.before.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
  d.settle();
  d.succeed();
  client.send("56789" + get("/next"));
  d.settle();
  const std::string answer = client.take();
  CHECK(answer.starts_with("HTTP/1.1 50"));
  CHECK(value_of(answer, "Connection") == "keep-alive");
  CHECK(d.handed() == 1);
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(d.after.app(0)->received().starts_with("GET /next "));
}

TEST_CASE("hand over: pipelined requests go unserved, and each is served once") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.send(get("/1") + get("/2") + get("/3"));
  d.settle();
  d.succeed();
  client.send(get("/4"));
  d.settle();
  d.before.app(0)->send(ok("served"));
  d.settle();
  CHECK(stays_open(client.take()));
  CHECK(d.before.app_connections() == 1);
  CHECK(d.before.app(0)->received().find("/2") == std::string::npos);
  REQUIRE(d.after.app(0) != nullptr);
  for (const char* path : {"GET /2 ", "GET /3 ", "GET /4 "}) {
    CHECK(d.after.app(0)->take().starts_with(path));
    d.after.app(0)->send(ok("served"));
    d.settle();
    CHECK(stays_open(client.take()));
  }
  CHECK(d.after.app(0)->take().empty());
  CHECK(d.handed() == 1);
  CHECK(d.before.counts().requests.read() == 1);
  CHECK(d.after.counts().requests.read() == 3);
}

TEST_CASE("hand over: a client that has finished sending gets the answers to all that it asked") {
  Daemons d;
  for (CoreRig* rig : {&d.before, &d.after}) {
    rig->options.half_close = config::ProxyOptions::HalfClose::serve;
    rig->publish();
  }
  RawEnd& client = d.before.connect();
  client.send(get("/1") + get("/2"));
  client.finish_writing();
  d.settle();
  d.succeed();
  d.before.app(0)->send(ok("served"));
  d.settle();
  CHECK(client.take().ends_with("served"));
  REQUIRE(d.after.app(0) != nullptr);
  d.after.app(0)->send(ok("served"));
  d.settle();
  CHECK(client.take().ends_with("served"));
  CHECK(client.end() == End::finished);
}

TEST_CASE("hand over: half a head goes as it is, first or not") {
  for (bool first : {true, false}) {
    Daemons d;
    RawEnd& client = d.before.connect();
    if (!first) CHECK(stays_open(served_by(d, d.before, client)));
    client.send("GET /half HTTP/1.1\r\nHo");
    d.settle();
    d.succeed();
    CHECK(d.handed() == 1);
    client.send("st: h\r\n\r\n");
    d.settle();
    REQUIRE(d.after.app(0) != nullptr);
    CHECK(d.after.app(0)->take().starts_with("GET /half "));
    d.after.app(0)->send(ok("served"));
    d.settle();
    CHECK(stays_open(client.take()));
    client.send("GET /never HT");
    d.pass(11s);
    CHECK(client.take().starts_with("HTTP/1.1 408 "));
  }
}

TEST_CASE("hand over: a PROXY header that is half there, or was read, names the client at the successor") {
  const std::string header = "PROXY TCP4 192.0.2.7 192.0.2.8 1000 80\r\n";
  for (std::size_t there : {std::size_t{0}, std::size_t{1}, std::size_t{20}, header.size()}) {
    Daemons d;
    for (CoreRig* rig : {&d.before, &d.after}) {
      rig->listener.proxy_protocol = true;
      rig->publish();
    }
    RawEnd& client = d.before.connect();
    client.send(header.substr(0, there));
    d.settle();
    d.succeed();
    CHECK(d.handed() == 1);
    client.send(header.substr(there) + get("/"));
    d.settle();
    REQUIRE(d.after.app(0) != nullptr);
    CHECK(value_of(d.after.app(0)->received(), "X-Forwarded-For") == "192.0.2.7");
    d.after.app(0)->send(ok("served"));
    d.settle();
    CHECK(stays_open(client.take()));
  }
}

TEST_CASE("hand over: a peer's address goes along, and whether it is trusted is the successor's to say") {
  Daemons d;
  d.after.listener.trusted_proxies.push_back({base::Address::tcp_loopback(base::Port(0)), 8});
  d.after.publish();
  RawEnd& client = d.before.connect();
  d.settle();
  d.succeed();
  client.send(get("/", "X-Forwarded-For: 192.0.2.9\r\n"));
  d.settle();
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(value_of(d.after.app(0)->received(), "X-Forwarded-For") == "192.0.2.9, 127.0.0.1");
}

TEST_CASE("hand over: what is longer than the channel carries is served here, and the connection ends") {
  for (bool fits : {true, false}) {
    CAPTURE(fits);
    Daemons d;
    for (CoreRig* rig : {&d.before, &d.after}) {
      rig->listener.read_ahead = 1 << 20;
      rig->publish();
    }
    RawEnd& client = d.before.connect();
    client.send(get("/"));
    d.settle();
    d.succeed();
    std::string next = get("/long") + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n";
    next.resize(succession::ClientChannel::kMostUnserved + (fits ? 0 : 1), 'x');
    client.send(next);
    d.settle();
    (void)d.before.app(0)->take();
    d.before.app(0)->send(ok("served"));
    d.settle();
    CHECK(stays_open(client.take()));
    RawEnd* app = fits ? d.after.app(0) : d.before.app(0);
    REQUIRE(app != nullptr);
    CHECK(app->take().starts_with("GET /long "));
    app->send(ok("served"));
    d.settle();
    CHECK(value_of(client.take(), "Connection") == (fits ? "(none)" : "close"));
    CHECK(d.handed() == (fits ? 1 : 0));
  }
}

TEST_CASE("hand over: an answer that waits for its reader goes out before its connection goes") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.pause(true);
  client.send(get("/"));
  d.settle();
  d.succeed();
  const std::string large(std::size_t{8} << 20, 'l');
  d.before.app(0)->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" +
                        large);
  d.settle();
  client.send(get("/next"));
  d.settle();
  CHECK(d.handed() == 0);
  client.pause(false);
  CHECK(d.until([&] { return d.handed() == 1; }));
  CHECK(client.take().ends_with(large));
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(d.after.app(0)->take().starts_with("GET /next "));
}

TEST_CASE("hand over: what asks goes, though a turn of the loop takes longer than it may wait") {
  Daemons d;
  RawEnd& client = d.before.connect();
  client.send(get("/") + get("/next"));
  d.settle();
  d.succeed();
  d.before.app(0)->send(ok("served"));
  (void)d.before.app(0)->pump();
  d.before.turn();
  CHECK(d.to_hand() == 1);
  shift_clock(1s);
  d.settle();
  CHECK(d.handed() == 1);
  CHECK(stays_open(client.take()));
  REQUIRE(d.after.app(0) != nullptr);
  CHECK(d.after.app(0)->take().starts_with("GET /next "));
}

}  // namespace
}  // namespace gracevisor::test
