// How long an app that says that it works, and a reader that takes little, are waited for.
#include <doctest/doctest.h>

#include <string>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMore = std::size_t{32} << 20;  // than all buffers on the way take

// A client for whom more bytes wait than it takes.
RawEnd& slow_reader(CoreRig& rig) {
  RawEnd& client = rig.connect();
  client.send(get("/"));
  rig.settle();
  client.pause(true);
  rig.app(0)->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMore) + "\r\n\r\n" +
                   std::string(kMore, 'x'));
  rig.settle();
  REQUIRE(rig.app(0)->waiting() > 0);
  return client;
}

}  // namespace

TEST_CASE("patience: each interim response begins request_timeout anew") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(get("/"));
  rig.settle();
  for (int i = 0; i < 16; ++i) {
    rig.pass(50s);
    rig.app(0)->send("HTTP/1.1 102 Processing\r\n\r\n");
    rig.settle();
  }
  rig.pass(50s);
  rig.app(0)->send(ok("at last"));
  rig.settle();
  CHECK(client.received().ends_with("at last"));
  CHECK(rig.finish() == "");
}

TEST_CASE("patience: an old client's request is extended though it sees no interim response") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  rig.settle();
  for (int i = 0; i < 3; ++i) {
    rig.pass(50s);
    rig.app(0)->send("HTTP/1.1 102 Processing\r\n\r\n");
    rig.settle();
  }
  rig.app(0)->send(ok("at last"));
  rig.settle();
  CHECK(client.received().ends_with("at last"));
}

TEST_CASE("patience: max_interim_responses bounds it and silence ends it") {
  for (bool silent : {false, true}) {
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(get("/"));
    rig.settle();
    for (int i = 0; i < 17 && !(silent && i == 1); ++i) {
      rig.pass(50s);
      rig.app(0)->send("HTTP/1.1 102 Processing\r\n\r\n");
      rig.settle();
    }
    if (silent) rig.pass(61s);
    const Wire wire = read_responses(client.received(), client.end());
    CHECK(wire.messages.back().status() == (silent ? 504 : 502));
    CHECK(rig.leases() == 0);
  }
}

TEST_CASE("patience: interim responses give a client no more time for its body") {
  CoreRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
  rig.settle();
  rig.pass(20s);
  rig.app(0)->send("HTTP/1.1 102 Processing\r\n\r\n");
  rig.settle();
  rig.pass(11s);
  CHECK(read_responses(client.received(), client.end()).messages.back().token() == "body-timeout");
}

TEST_CASE("patience: a reader below min_send_rate gives its instance back") {
  struct Case {
    std::size_t each_second;
    std::uint64_t min_rate;
    bool cut;
  };
  // One that takes a byte now and then makes progress, and would for ever.
  for (const Case& what : {Case{100, 500, true}, Case{100, 0, false}, Case{200'000, 500, false}}) {
    CAPTURE(what.each_second);
    CAPTURE(what.min_rate);
    CoreRig rig({.clients = CoreRig::Family::local});
    rig.options.min_send_rate = what.min_rate;
    rig.options.send_timeout = 10min;
    rig.publish();
    RawEnd& client = slow_reader(rig);
    for (int i = 0; i < 35; ++i) {
      client.read(what.each_second);
      rig.pass(1s);
    }
    CHECK(rig.leases() == (what.cut ? 0 : 1));
    CHECK(rig.counts().failed.read() == 0);
  }
}

TEST_CASE("patience: a reader is judged only after 30 s") {
  CoreRig rig({.clients = CoreRig::Family::local});
  rig.options.send_timeout = 10min;
  rig.publish();
  (void)slow_reader(rig);
  rig.pass(16s);
  rig.pass(10s);
  CHECK(rig.leases() == 1);
  rig.pass(10s);
  CHECK(rig.leases() == 0);
}

}  // namespace gracevisor::test
