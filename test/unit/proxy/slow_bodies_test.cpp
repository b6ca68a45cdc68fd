// Bodies that are read before an instance is chosen and come slowly: how long they may, what they may keep,
// and what they count for.
#include "uploads.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("request buffer: the time that a body takes is not the time that it may wait for an instance") {
  CoreRig rig;
  rig.web.targets.clear();
  rig.web.mode = routing::AppMode::hold;
  rig.web.hold = 10s;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(30000));
  for (int i = 0; i < 29; ++i) {
    client.send(std::string(1000, 'x'));
    rig.pass(1s);
  }
  CHECK(client.received().empty());
  CHECK(rig.counts().held.read() == 0);
  client.send(std::string(1000, 'x'));
  rig.settle();
  CHECK(rig.counts().waiting.read() == 1);
  rig.pass(9s);
  CHECK(client.received().empty());
  rig.pass(2s);
  CHECK(response_to(client).token() == "hold-timeout");
}

TEST_CASE("request buffer: request_timeout begins when an instance has the request") {
  CoreRig rig;
  rig.options.request_timeout = 20s;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(20000));
  for (int i = 0; i < 20; ++i) {
    client.send(std::string(1000, 'x'));
    rig.pass(1s);
  }
  REQUIRE(rig.app_connections() == 1);
  rig.pass(18s);
  CHECK(client.received().empty());
  rig.pass(3s);
  CHECK(response_to(client).status() == 504);
}

TEST_CASE("request buffer: a body that stops or trickles is told so") {
  struct Case {
    std::size_t bytes;
    std::string token;
  };
  for (const Case& what : {Case{0, "body-timeout"}, Case{400, "body-timeout"}, Case{600, ""}}) {
    CAPTURE(what.bytes);
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(60000));
    for (int i = 0; i < 33; ++i) {
      client.send(std::string(what.bytes, 'x'));
      rig.pass(1s);
    }
    CHECK(response_to(client).token() == what.token);
    CHECK(rig.app_connections() == 0);
    CHECK(rig.counts().failed.read() == 0);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: while an instance waits for a body its pace counts after 5 s") {
  for (std::size_t pace : {400U, 600U}) {
    CoreRig rig;
    rig.options.request_buffer = 0;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(post(60000));
    rig.settle();
    REQUIRE(rig.app_connections() == 1);
    for (int i = 0; i < 7; ++i) {
      client.send(std::string(pace, 'x'));
      rig.pass(1s);
    }
    CHECK(response_to(client).token() == (pace < 500 ? "body-timeout" : ""));
  }
}

TEST_CASE("request buffer: when its memory is full the slowest body goes and honest ones stay") {
  CoreRig rig;
  rig.options.request_buffer_memory = 40000;
  rig.publish();
  RawEnd& slow = rig.connect();
  RawEnd& slower = rig.connect();
  slow.send(post(60000));
  slower.send(post(60000));
  for (int i = 0; i < 10; ++i) {
    slow.send(std::string(1000, 'x'));
    slower.send(std::string(900, 'x'));
    rig.pass(1s);
  }
  RawEnd& honest = rig.connect();
  honest.send(post(20000));
  rig.settle();
  honest.send(std::string(19000, 'x'));
  rig.settle();
  CHECK(slow.received().empty());
  CHECK(slower.received().empty());
  // Some more of somebody fills it.
  slow.send(std::string(3000, 'x'));
  rig.settle();
  CHECK(response_to(slower).status() == 408);
  CHECK(response_to(slower).token() == "body-slow");
  CHECK(slow.received().empty());
  honest.send(std::string(1000, 'x'));
  rig.settle();
  CHECK(request_at(rig).content.size() == 20000);
  CHECK(rig.counts().failed.read() == 0);
  CHECK(rig.finish() == "");
}

TEST_CASE("request buffer: one that is alone has its room whatever the memory") {
  CoreRig rig;
  rig.options.request_buffer_memory = 0;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(50000));
  rig.settle();
  client.send(std::string(50000, 'x'));
  rig.settle();
  CHECK(request_at(rig).content.size() == 50000);
}

TEST_CASE("request buffer: a body in chunks that has no end for 5 s is counted once") {
  CoreRig rig;
  RawEnd& silent = rig.connect();
  silent.send(chunked_post() + "5\r\nhello\r\n");
  rig.settle();
  RawEnd& talking = rig.connect();
  talking.send(chunked_post());
  rig.connect().send(post(100));
  for (int i = 0; i < 4; ++i) {
    talking.send(chunk(1000));
    rig.pass(1s);
  }
  CHECK(rig.counts().slow_streams.read() == 0);
  for (int i = 0; i < 6; ++i) {
    talking.send(chunk(1000));
    rig.pass(1s);
  }
  CHECK(rig.counts().slow_streams.read() == 2);
  rig.pass(18s);
  CHECK(silent.received().empty());
  rig.pass(4s);
  CHECK(response_to(silent).token() == "body-timeout");
  CHECK(rig.counts().slow_streams.read() == 2);
}

TEST_CASE("request buffer: a client that leaves meanwhile leaves nothing behind") {
  for (bool fin : {false, true}) {
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(10) + "01234");
    rig.settle();
    fin ? client.finish_writing() : client.reset();
    rig.settle();
    CHECK(rig.app_connections() == 0);
    CHECK(rig.counts().failed.read() == 0);
    CHECK(rig.counts().requests.read() == 1);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: the wait for a body is told apart from the exchange") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(post(10));
  rig.settle();
  rig.pass(7s);
  client.send("0123456789");
  rig.settle();
  rig.pass(2s);
  rig.app(0)->send(ok("done"));
  rig.settle();
  CHECK(rig.counts().slowest_body_us.read() / 1'000'000 == 7);
  CHECK(rig.counts().slowest_us.read() / 1'000'000 == 2);
}

}  // namespace gracevisor::test
