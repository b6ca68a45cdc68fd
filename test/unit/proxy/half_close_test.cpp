// A client's FIN behind a whole request: its leaving, unless the app is told otherwise.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using Options = config::ProxyOptions;

constexpr std::string_view kEvents = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n";

// Neither failed nor cut, nor in the shares that a guard looks at.
void check_counted_nowhere(const CoreRig& rig, std::uint64_t answered) {
  CHECK(rig.counts().failed.read() == 0);
  CHECK(rig.cell().cut.read() == 0);
  CHECK(rig.cell().requests.read() == answered);
  CHECK(rig.cell().server_errors.read() == 0);
}

WireMessage response_to(const RawEnd& client) {
  const Wire wire = read_responses(client.received(), client.end());
  return wire.messages.empty() ? WireMessage{} : wire.messages.back();
}

}  // namespace

TEST_CASE("half-close: a client that leaves before the answer ends the attempt") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(get("/slow"));
  rig.settle();
  REQUIRE(rig.leases() == 1);
  client.finish_writing();
  rig.settle();
  CHECK(rig.leases() == 0);
  CHECK(rig.app(0)->end() != End::open);
  CHECK(client.received().empty());
  CHECK(client.end() != End::open);
  check_counted_nowhere(rig, 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("half-close: a client that leaves a silent response ends it and what it has is not whole") {
  for (bool old : {false, true}) {
    CAPTURE(old);
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(old ? "GET / HTTP/1.0\r\nHost: h\r\n\r\n" : get("/events"));
    rig.settle();
    rig.app(0)->send(kEvents);
    rig.settle();
    client.finish_writing();
    rig.settle();
    CHECK(rig.leases() == 0);
    CHECK(rig.app(0)->end() != End::open);
    CHECK(client.received().find("event") != std::string::npos);
    if (old) {
      CHECK(client.end() == End::reset);
    } else {
      CHECK(client.end() != End::open);
      CHECK_FALSE(response_to(client).whole);
    }
    check_counted_nowhere(rig, 1);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("half-close: a deploy does not wait for streams that were left and tells of none cut") {
  CoreRig rig;
  for (std::size_t i = 0; i < 5; ++i) {
    RawEnd& client = rig.connect();
    client.send(get("/events"));
    rig.settle();
    rig.app(i)->send(kEvents);
    rig.settle();
    client.finish_writing();
  }
  rig.settle();
  rig.web.leaving = {{rig.endpoint(0), true}};
  rig.web.targets = {rig.add_instance()};
  rig.publish();
  rig.settle();
  CHECK(rig.leases() == 0);
  check_counted_nowhere(rig, 5);
}

TEST_CASE("half-close: serve means that the client still reads") {
  CoreRig rig;
  rig.options.half_close = Options::HalfClose::serve;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/slow"));
  client.finish_writing();
  rig.settle();
  REQUIRE(rig.leases() == 1);
  rig.app(0)->send(ok("late"));
  rig.settle();
  CHECK(response_to(client).content == "late");
  CHECK(client.end() == End::finished);
  CHECK(rig.finish() == "");
}

TEST_CASE("half-close: serve waits for an instance too and abort does not") {
  for (bool serve : {false, true}) {
    CoreRig rig;
    rig.options.half_close = serve ? Options::HalfClose::serve : Options::HalfClose::abort;
    rig.web.targets.clear();
    rig.web.mode = routing::AppMode::hold;
    rig.web.hold = 10s;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(get("/"));
    client.finish_writing();
    rig.settle();
    CHECK(rig.counts().waiting.read() == (serve ? 1 : 0));
    rig.web.targets = {rig.endpoint(0)};
    rig.web.mode = routing::AppMode::live;
    rig.publish();
    rig.settle();
    CHECK(rig.app_connections() == (serve ? 1 : 0));
  }
}

TEST_CASE("half-close: an incomplete request is no request whatever is said") {
  for (auto half_close : {Options::HalfClose::abort, Options::HalfClose::serve}) {
    for (std::size_t buffer : {std::size_t{0}, std::size_t{65536}}) {
      CoreRig rig;
      rig.options.half_close = half_close;
      rig.options.request_buffer = buffer;
      rig.publish();
      RawEnd& client = rig.connect();
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
      client.finish_writing();
      rig.settle();
      CHECK(rig.leases() == 0);
      CHECK(client.end() != End::open);
      CHECK(rig.counts().failed.read() == 0);
    }
  }
}

TEST_CASE("half-close: a response that the app has finished is sent whole") {
  constexpr std::size_t kSize = std::size_t{5} << 16;
  CoreRig rig({.clients = CoreRig::Family::local});
  RawEnd& client = rig.connect();
  client.send(get("/") + get("/behind"));
  rig.settle();
  client.pause(true);
  std::string body;
  for (std::size_t i = 0; i < kSize; i += 0x10000) body += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  rig.app(0)->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + "0\r\n\r\n");
  rig.settle();
  REQUIRE(rig.leases() == 0);
  client.finish_writing();
  rig.settle();
  client.pause(false);
  rig.settle();
  const Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].whole);
  CHECK(wire.messages[0].content.size() == kSize);
  // What came behind it was dropped.
  CHECK(rig.app_connections() == 1);
  CHECK(read_requests(rig.app(0)->received()).messages.size() == 1);
  CHECK(rig.finish() == "");
}

TEST_CASE("half-close: what was taken from the app is still sent, and no lease waits for that") {
  constexpr std::size_t kMore = std::size_t{32} << 20;
  for (std::string framing : {"Content-Length: " + std::to_string(kMore), std::string("X: until-close")}) {
    CAPTURE(framing);
    CoreRig rig({.clients = CoreRig::Family::local});
    RawEnd& client = rig.connect();
    client.send(get("/"));
    rig.settle();
    client.pause(true);
    rig.app(0)->send("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n" + std::string(kMore, 'x'));
    rig.settle();
    REQUIRE(rig.leases() == 1);
    const std::size_t left = rig.app(0)->waiting();
    client.finish_writing();
    rig.settle();
    CHECK(rig.leases() == 0);
    CHECK(rig.unsent() == 1);
    CHECK(client.end() == End::open);
    client.pause(false);
    rig.settle();
    CHECK(rig.unsent() == 0);
    CHECK(client.end() != End::open);
    const WireMessage response = response_to(client);
    CHECK_FALSE(response.whole);
    CHECK(response.content.size() > 65536);
    CHECK(response.content.size() < kMore - left + 1);
    CHECK(rig.counts().failed.read() == 0);
    CHECK(rig.cell().cut.read() == 0);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("half-close: with finish the app is read to its end") {
  CoreRig rig;
  rig.options.on_client_abort = Options::ClientAbort::finish;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/slow"));
  client.finish_writing();
  rig.settle();
  CHECK(rig.leases() == 1);
  CHECK(client.end() != End::open);
  rig.app(0)->send("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno");
  rig.settle();
  CHECK(rig.leases() == 0);
  CHECK(rig.app(0)->end() == End::open);  // kept
  check_counted_nowhere(rig, 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("half-close: with finish a client that is behind gets what waits for it first") {
  constexpr std::size_t kSize = std::size_t{4} << 20;
  CoreRig rig({.clients = CoreRig::Family::local});
  rig.options.on_client_abort = Options::ClientAbort::finish;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/"));
  rig.settle();
  client.pause(true);
  std::string body;
  for (std::size_t i = 0; i < kSize; i += 0x10000) body += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  rig.app(0)->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + "0\r\n\r\n");
  rig.settle();
  client.finish_writing();
  rig.settle();
  CHECK(rig.leases() == 1);
  CHECK(client.end() == End::open);
  client.pause(false);
  rig.settle();
  CHECK(rig.leases() == 0);
  CHECK(client.received().size() > 65536);
  CHECK(client.end() != End::open);
  CHECK(rig.finish() == "");
}

TEST_CASE("half-close: the drain deadline does not count what was left") {
  CoreRig rig;
  rig.options.on_client_abort = Options::ClientAbort::finish;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(get("/events"));
  rig.settle();
  rig.app(0)->send(kEvents);
  rig.settle();
  client.finish_writing();
  rig.settle();
  REQUIRE(rig.leases() == 1);
  rig.web.leaving = {{rig.endpoint(0), true}};
  rig.web.targets = {rig.add_instance()};
  rig.publish();
  rig.settle();
  CHECK(rig.leases() == 0);
  check_counted_nowhere(rig, 1);
}

}  // namespace gracevisor::test
