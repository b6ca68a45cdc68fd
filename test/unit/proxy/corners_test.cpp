// Corners of the data path that only a certain order of events reaches: stepped, on the test's own thread.
#include <doctest/doctest.h>

#include <utility>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using Family = CoreRig::Family;

const std::string kBusy = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
const std::string kSwitch = "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
const std::string kAskSwitch =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

void speak_tcp(CoreRig& rig) {
  rig.web.protocol = config::Protocol::tcp;
  rig.tcp = rig.web.id;
  rig.publish();
}

// A client whose tunnel an instance has taken.
RawEnd& connect_by_tcp(CoreRig& rig) {
  speak_tcp(rig);
  RawEnd& client = rig.connect();
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  return client;
}

// More than the kernel's buffers and our high water take.
std::string much() {
  return std::string(std::size_t{12} << 20, 'x');
}

TEST_CASE("retry_503: a body whose beginning of an answer came before its end is not sent again without it") {
  for (const std::string early :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTT"}) {
    CAPTURE(early);
    CoreRig rig({.instances = 2});
    rig.options.request_buffer = 0;
    rig.publish();
    rig.options.retry_503 = true;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    rig.settle();
    REQUIRE(rig.app_connections() == 1);
    rig.app(0)->send(early);
    rig.settle();
    client.send("hello");
    rig.settle();
    rig.app(0)->send(early == "HTT" ? kBusy.substr(3) : kBusy);
    rig.settle();
    for (std::size_t i = 0; i < rig.app_connections(); ++i) {
      CHECK(rig.app(i)->received().ends_with("\r\n\r\nhello"));
    }
    CHECK(client.received().find("HTTP/1.1 503 Busy") != std::string::npos);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE(
    "broken: an instance on a Unix socket that dies in its head while the body comes is a 502 at once") {
  CoreRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  RawEnd& app = *rig.app(0);
  app.pause(true);
  client.send(much());
  rig.settle();
  REQUIRE(client.waiting() > 0);  // the instance reads no more
  app.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2");
  (void)app.pump();
  app.close();
  rig.settle();
  CHECK(rig.leases() == 0);
  CHECK(client.received().find("HTTP/1.1 502 ") != std::string::npos);
  CHECK(rig.finish() == "");
}

TEST_CASE("broken: an early answer is passed on whole though the body can no longer be written") {
  CoreRig rig({.clients = Family::local});
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  RawEnd& app = *rig.app(0);
  app.pause(true);
  client.send(much());
  rig.settle();
  REQUIRE(client.waiting() > 0);
  client.pause(true);
  const std::string answer(std::size_t{1} << 20, 'y');
  app.send("HTTP/1.1 413 No\r\nContent-Length: " + std::to_string(answer.size()) + "\r\n\r\n" + answer);
  rig.settle();
  // Until the last of it is in the kernel's buffer, behind what waits for the client.
  while (app.waiting() > 0) {
    client.read(65536);
    rig.turn();
    (void)app.pump();
  }
  REQUIRE(app.writable());
  app.close();
  rig.settle();
  client.pause(false);
  rig.settle();
  Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].whole);
  CHECK(wire.messages[0].content.size() == answer.size());
  CHECK(rig.finish() == "");
}

TEST_CASE("tcp mode: a connection that waited is read when an instance takes it at last") {
  for (Family family : {Family::tcp, Family::local}) {
    CoreRig rig({.apps = family});
    rig.web.mode = routing::AppMode::hold;
    auto targets = std::exchange(rig.web.targets, {});
    speak_tcp(rig);
    RawEnd& client = rig.connect();
    rig.settle();
    CHECK(rig.counts().waiting.read() == 1);
    rig.web.mode = routing::AppMode::live;
    rig.web.targets = targets;
    rig.publish();
    rig.settle();
    REQUIRE(rig.app_connections() == 1);
    client.send("at last");
    rig.settle();
    CHECK(rig.app(0)->received() == "at last");
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("adoption: a pipelined request that follows a drained one is routed by the new table") {
  CoreRig rig({.instances = 2});
  auto targets = rig.web.targets;
  rig.web.targets = {targets[0]};
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/first") + get("/second"));
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  rig.web.targets = {targets[1]};
  rig.web.leaving = {{targets[0], true}};
  rig.routes.clear();  // nothing is routed any more
  rig.publish();
  rig.settle();
  Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 2);
  CHECK(wire.messages[0].token() == "drained");
  CHECK(wire.messages[1].token() == "no-route");
  CHECK(rig.app_connections() == 1);
  CHECK(rig.finish() == "");
}

TEST_CASE("adoption: a listener that changes its protocol has nothing for the connections of the other") {
  CoreRig rig;
  SUBCASE("a waiting connection in TCP mode reaches no app of HTTP") {
    rig.web.mode = routing::AppMode::hold;
    auto targets = std::exchange(rig.web.targets, {});
    speak_tcp(rig);
    RawEnd& client = rig.connect();
    rig.settle();
    rig.web.protocol = config::Protocol::http;
    rig.tcp.reset();
    rig.web.mode = routing::AppMode::live;
    rig.web.targets = targets;
    rig.publish();
    rig.settle();
    CHECK(rig.app_connections() == 0);
    CHECK(client.end() == End::reset);
  }
  SUBCASE("a request on a kept connection reaches no app in TCP mode") {
    RawEnd& client = rig.connect();
    client.send(get("/"));
    rig.settle();
    rig.app(0)->send(ok("fine"));
    rig.settle();
    (void)client.take();
    speak_tcp(rig);
    client.send(get("/"));
    rig.settle();
    CHECK(client.take().starts_with("HTTP/1.1 404 "));
  }
  CHECK(rig.finish() == "");
}

TEST_CASE(
    "tunnel: what an app said before it ended reaches a slow reader, for longer than half_close_timeout") {
  CoreRig rig({.clients = Family::local});
  RawEnd& client = connect_by_tcp(rig);
  client.pause(true);
  const std::string said(std::size_t{1} << 20, 'x');
  rig.app(0)->send(said);
  rig.app(0)->finish_writing();
  rig.settle();
  while (client.received().size() < said.size()) {
    std::size_t before = client.received().size();
    client.read(24576);
    REQUIRE(client.received().size() > before);
    rig.pass(3500ms);
  }
  client.pause(false);
  rig.settle();
  CHECK(client.received().size() == said.size());
  CHECK(client.end() == End::finished);
  CHECK(rig.finish() == "");
}

TEST_CASE("tunnel: an app that has ended its side gets all that the client sent before its own end") {
  CoreRig rig;
  RawEnd& client = connect_by_tcp(rig);
  RawEnd& app = *rig.app(0);
  app.finish_writing();
  rig.settle();
  app.pause(true);
  const std::string sent(std::size_t{300} << 10, 'x');  // some of it has to wait in the proxy
  client.send(sent);
  client.finish_writing();
  rig.settle();
  app.pause(false);
  rig.settle();
  CHECK(app.received().size() == sent.size());
  CHECK(app.end() == End::finished);
  CHECK(rig.leases() == 0);
  CHECK(rig.finish() == "");
}

TEST_CASE(
    "tunnel: half closed by the app, its end takes nothing away that the kernel still has for the client") {
  CoreRig rig;
  RawEnd& client = connect_by_tcp(rig);
  client.pause(true);
  const std::string said(std::size_t{600} << 10, 'x');
  rig.app(0)->send(said);
  rig.app(0)->finish_writing();
  rig.settle();
  for (int i = 0; i < 4 && rig.leases() > 0; ++i) rig.pass(31s);
  CHECK(rig.leases() == 0);
  client.pause(false);
  rig.settle();
  CHECK(client.received().size() == said.size());
  CHECK(client.end() == End::finished);
  CHECK(rig.finish() == "");
}

TEST_CASE(
    "timeouts: a client that trickles its body does not prolong the wait for an app that reads no more") {
  CoreRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  rig.options.on_client_abort = config::ProxyOptions::ClientAbort::close;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  rig.settle();
  rig.app(0)->refuse_bytes();
  for (int i = 0; i < 12; ++i) {
    client.send("x");
    rig.pass(20s);
  }
  CHECK(client.received().starts_with("HTTP/1.1 504 "));
  CHECK(rig.leases() == 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("aborts: with finish a response that never ends is not read for ever") {
  CoreRig rig;
  rig.options.on_client_abort = config::ProxyOptions::ClientAbort::finish;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/events"));
  rig.settle();
  rig.app(0)->send("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n");
  rig.settle();
  client.reset();
  rig.settle();
  CHECK(rig.leases() == 1);
  for (int i = 0; i < 12; ++i) {
    rig.app(0)->send("data: more\n\n");
    rig.pass(20s);
  }
  CHECK(rig.leases() == 0);
  CHECK(rig.finish() == "");
}

}  // namespace
}  // namespace gracevisor::test
