// The rig itself: what it shows of the data path, and that it can tell when something is wrong.
#include "support/core_rig.h"

#include <doctest/doctest.h>

#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using Family = CoreRig::Family;

constexpr CoreRig::Layout kLayouts[] = {{.clients = Family::tcp, .apps = Family::local},
                                        {.clients = Family::tcp, .apps = Family::tcp},
                                        {.clients = Family::local, .apps = Family::local}};

TEST_CASE("core rig: an exchange is stepped through on the test's own thread") {
  for (const CoreRig::Layout& layout : kLayouts) {
    CoreRig rig(layout);
    RawEnd& client = rig.connect();
    client.send(get("/step"));
    rig.settle();
    REQUIRE(rig.app_connections() == 1);
    CHECK(rig.app(0)->received().starts_with("GET /step HTTP/1.1\r\n"));
    CHECK(rig.leases() == 1);
    CHECK(client.received().empty());

    rig.app(0)->send(ok("done"));
    rig.settle();
    CHECK(client.take().ends_with("\r\n\r\ndone"));
    CHECK(client.take().empty());
    CHECK(rig.leases() == 0);
    CHECK(rig.counts().requests.read() == 1);

    client.finish_writing();
    rig.settle();
    CHECK(client.end() == End::finished);
    CHECK(rig.app(0)->end() == End::open);
    CHECK(rig.finish() == "");
    CHECK(rig.app(0)->pump());
    CHECK(rig.app(0)->end() == End::finished);
  }
}

TEST_CASE("core rig: a response that is cut is a reset to a client on TCP") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(get("/"));
  rig.settle();
  rig.app(0)->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
  rig.app(0)->finish_writing();
  rig.settle();
  CHECK(client.received().ends_with("\r\n\r\nab"));
  CHECK(client.end() == End::reset);
  CHECK(rig.finish() == "");
}

TEST_CASE("core rig: time passes when it is told to, and deadlines with it") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send("GET / HT");
  rig.pass(9s);
  CHECK(client.received().empty());
  rig.pass(2s);
  CHECK(client.received().starts_with("HTTP/1.1 408 "));
  CHECK(client.end() == End::finished);
  CHECK(rig.finish() == "");
}

TEST_CASE("core rig: a table that is published is adopted at once") {
  CoreRig rig({.instances = 2});
  rig.web.targets.pop_back();
  rig.web.leaving.push_back({rig.endpoint(1), false});
  rig.publish();
  rig.refuse(1);
  for (int i = 0; i < 8; ++i) rig.connect().send(get("/"));
  rig.settle();
  CHECK(rig.cell(0).leases.read() == 8);
  CHECK(rig.cell(1).leases.read() == 0);
  rig.hang_up();
  CHECK(rig.leases() == 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("core rig: a slow reader holds up what is sent to it, and gets it all") {
  CoreRig rig({.clients = Family::local});
  RawEnd& client = rig.connect();
  client.send(get("/"));
  client.pause(true);
  rig.settle();
  const std::string body(8U << 20, 'x');
  rig.app(0)->send(ok(body));
  rig.settle();
  CHECK(rig.leases() == 1);
  client.pause(false);
  rig.settle();
  CHECK(client.received().ends_with(body));
  CHECK(rig.leases() == 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("wire: messages are told apart, and what no receiver accepts is named") {
  Wire wire = read_responses(
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "a\r\n0123456789\r\n1\r\n!\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
      End::finished);
  CHECK(wire.problem == "");
  REQUIRE(wire.messages.size() == 3);
  CHECK(wire.messages[0].interim());
  CHECK(wire.messages[1].content == "0123456789!");
  CHECK(wire.messages[1].whole);
  CHECK(wire.messages[2].content == "ab");
  CHECK(!wire.messages[2].whole);

  for (End end : {End::open, End::finished, End::reset}) {
    wire = read_responses("HTTP/1.1 200 OK\r\nX: 1\r\nx: 2\r\n\r\nab", end);
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].whole == (end == End::finished));
    CHECK(wire.messages[0].field("X") == "1, 2");
  }
  CHECK(read_responses("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", End::open, {true}).messages[0].whole);
  CHECK(read_responses("SSH-2.0\r\n\r\n", End::open).problem != "");
  CHECK(read_responses("HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", End::open).problem != "");
  CHECK(read_responses("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", End::open)
            .problem != "");
  CHECK(
      read_responses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", End::open).problem !=
      "");

  wire = read_requests("POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\n\r\nGET /c HT");
  REQUIRE(wire.messages.size() == 2);
  CHECK(wire.messages[0].content == "hi");
  CHECK(wire.messages[1].start == "GET /b HTTP/1.1");
  CHECK(wire.rest == "GET /c HT");
}

}  // namespace
}  // namespace gracevisor::test
