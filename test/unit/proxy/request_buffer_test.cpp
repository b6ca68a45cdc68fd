// Bodies that are read before an instance is chosen: what the instance gets of them, and what slow clients
// cost others meanwhile.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

std::string post(std::size_t length, std::string_view fields = "") {
  return "POST /up HTTP/1.1\r\nHost: h\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string chunked_post(std::string_view fields = "") {
  return "POST /up HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "Transfer-Encoding: chunked\r\n\r\n";
}

std::string chunk(std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (std::size_t rest = size; rest > 0; rest /= 16) digits.insert(digits.begin(), kDigits[rest % 16]);
  return digits + "\r\n" + std::string(size, 'x') + "\r\n";
}

// The request that an instance's connection has got; its start is empty when there is none.
WireMessage request_at(CoreRig& rig, std::size_t connection = 0) {
  const RawEnd* app = rig.app(connection);
  if (app == nullptr) return {};
  const Wire wire = read_requests(app->received());
  CHECK(wire.problem == "");
  return wire.messages.empty() ? WireMessage{} : wire.messages.back();
}

WireMessage response_to(const RawEnd& client) {
  const Wire wire = read_responses(client.received(), client.end());
  CHECK(wire.problem == "");
  return wire.messages.empty() ? WireMessage{} : wire.messages.back();
}

// One more instance in the place of all others, which leave.
void cut_over(CoreRig& rig) {
  for (const routing::EndpointRef& old : rig.web.targets) rig.web.leaving.push_back({old, false});
  rig.web.targets = {rig.add_instance()};
  rig.publish();
  rig.settle();
}

}  // namespace

TEST_CASE("request buffer: no instance is chosen before a body is there") {
  for (std::string_view second : {"56789", "567"}) {
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(10) + "01234");
    rig.settle();
    CHECK(rig.app_connections() == 0);
    CHECK(rig.leases() == 0);
    CHECK(rig.counts().waiting.read() == 0);
    client.send(second);
    rig.settle();
    if (second.size() < 5) {
      CHECK(rig.app_connections() == 0);
      client.send("89");
      rig.settle();
    }
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == "0123456789");
    CHECK(request.field("Content-Length") == "10");
    rig.app(0)->send(ok("thanks"));
    rig.settle();
    CHECK(response_to(client).content == "thanks");
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: what came in chunks goes out with its length") {
  const std::string body = "5;a=b\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (std::size_t piece : {body.size(), std::size_t{7}, std::size_t{1}}) {
    CAPTURE(piece);
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(chunked_post());
    if (piece != body.size()) rig.settle();
    for (std::size_t at = 0; at < body.size(); at += piece) {
      CHECK(rig.app_connections() == 0);
      client.send(std::string_view(body).substr(at, piece));
      rig.settle();
    }
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == "hello, world");
    CHECK(request.field("Content-Length") == "12");
    CHECK(request.count("Transfer-Encoding") == 0);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: an empty body in chunks goes out with length 0") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(chunked_post());
  rig.settle();
  client.send("0\r\n\r\n");
  rig.settle();
  CHECK(request_at(rig).whole);
  CHECK(request_at(rig).field("Content-Length") == "0");
}

TEST_CASE("request buffer: trailers that pass need chunks") {
  for (std::string_view body : {"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
                                "0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"}) {
    CoreRig rig;
    rig.options.trailers = {"x-sum"};
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(chunked_post());
    rig.settle();
    client.send(body);
    rig.settle();
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == (body.size() > 40 ? "hello world" : ""));
    CHECK(request.field("Transfer-Encoding") == "chunked");
    CHECK(request.count("Content-Length") == 0);
    REQUIRE(request.trailers.size() == 1);
    CHECK(request.trailers[0].first == "X-Sum");
  }
}

TEST_CASE("request buffer: more in chunks than it holds is passed on as it comes") {
  CoreRig rig;
  rig.options.request_buffer = 16;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(chunked_post());
  rig.settle();
  client.send(chunk(10));
  rig.settle();
  CHECK(rig.app_connections() == 0);
  client.send(chunk(10));
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  CHECK(request_at(rig).content == std::string(20, 'x'));
  CHECK_FALSE(request_at(rig).whole);
  client.send(chunk(3));
  rig.settle();
  CHECK(request_at(rig).content.size() == 23);
  client.send("0\r\n\r\n");
  rig.settle();
  CHECK(request_at(rig).whole);
  CHECK(request_at(rig).field("Transfer-Encoding") == "chunked");
}

TEST_CASE("request buffer: a body of just its size is awaited whole and one byte more is not") {
  for (std::size_t more : {0U, 1U}) {
    CAPTURE(more);
    constexpr std::size_t kBuffer = 65536;
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(kBuffer + more));
    rig.settle();
    client.send(std::string(kBuffer - 1, 'x'));
    rig.settle();
    CHECK(rig.app_connections() == more);
    client.send(std::string(1 + more, 'x'));
    rig.settle();
    CHECK(request_at(rig).whole);
    CHECK(request_at(rig).content.size() == kBuffer + more);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: it is off with 0 and does not hold back what may become another protocol") {
  for (bool upgrade : {false, true}) {
    CoreRig rig;
    rig.options.request_buffer = upgrade ? 65536 : 0;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(post(5, upgrade ? "Connection: upgrade\r\nUpgrade: x\r\n" : ""));
    rig.settle();
    CHECK(rig.app_connections() == 1);
    CHECK(request_at(rig).start == "POST /up HTTP/1.1");
  }
}

TEST_CASE("request buffer: slow uploads leave the only instance to others") {
  CoreRig rig;
  for (int i = 0; i < 4; ++i) rig.connect().send(post(10000) + "x");
  rig.settle();
  RawEnd& honest = rig.connect();
  honest.send(get("/"));
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  CHECK(rig.leases() == 1);
  rig.app(0)->send(ok("at once"));
  rig.settle();
  CHECK(response_to(honest).content == "at once");
}

TEST_CASE(
    "request buffer: a cutover while a body comes gives it to the new generation and no drain waits for it") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  cut_over(rig);
  CHECK(rig.cell(0).leases.read() == 0);
  client.send("56789");
  rig.settle();
  CHECK(rig.cell(0).leases.read() == 0);
  CHECK(rig.cell(1).leases.read() == 1);
  CHECK(request_at(rig).content == "0123456789");
}

TEST_CASE("request buffer: an app that is stopped meanwhile answers once the body is there") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  rig.web.targets.clear();
  rig.web.mode = routing::AppMode::stopped;
  rig.publish();
  client.send("56789");
  rig.settle();
  CHECK(response_to(client).status() == 503);
  CHECK(response_to(client).token() == "stopped");
}

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

TEST_CASE("request buffer: a client that waits to be told to send is told by us") {
  for (bool chunks : {false, true}) {
    CAPTURE(chunks);
    CoreRig rig;
    RawEnd& client = rig.connect();
    const std::string expect = "Expect: 100-continue\r\n";
    client.send(chunks ? chunked_post(expect) : post(5, expect));
    rig.settle();
    CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(rig.app_connections() == 0);
    client.send(chunks ? "5\r\nhello\r\n0\r\n\r\n" : "hello");
    rig.settle();
    CHECK(request_at(rig).content == "hello");
    CHECK(request_at(rig).count("Expect") == 0);
    // The app's own says nothing new.
    rig.app(0)->send("HTTP/1.1 100 Continue\r\n\r\n" + ok("done"));
    rig.settle();
    CHECK(client.take().starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: whether to take a longer body is the app's to say") {
  CoreRig rig;
  rig.options.request_buffer = 4;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(5, "Expect: 100-continue\r\n"));
  rig.settle();
  CHECK(client.received().empty());
  REQUIRE(rig.app_connections() == 1);
  CHECK(request_at(rig).field("Expect") == "100-continue");
  rig.app(0)->send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  rig.settle();
  CHECK(response_to(client).status() == 413);
}

TEST_CASE("request buffer: what the head alone decides comes before 100") {
  const std::string expect = "Expect: 100-continue\r\n";
  const auto first_status = [](CoreRig& rig, const std::string& request) {
    RawEnd& client = rig.connect();
    client.send(request);
    rig.settle();
    return read_responses(client.received(), client.end()).messages.at(0).status();
  };
  CoreRig rig;
  rig.options.max_body = 4;
  rig.publish();
  CHECK(first_status(rig, post(5, expect)) == 413);
  CHECK(first_status(rig, post(4, "Expect: magic\r\n")) == 417);
  rig.web.targets.clear();
  rig.web.mode = routing::AppMode::stopped;
  rig.publish();
  CHECK(first_status(rig, post(4, expect)) == 503);
  CoreRig routed;
  routed.routes = {{"other.example.com", "/", routed.web.id}};
  routed.publish();
  CHECK(first_status(routed, post(4, expect)) == 404);
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

TEST_CASE("request buffer: pipelined requests behind a body that comes slowly are served in turn") {
  CoreRig rig;
  rig.options.reuse = config::ProxyOptions::Reuse::always;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  client.send("56789" + get("/next"));
  rig.settle();
  CHECK(request_at(rig).start == "POST /up HTTP/1.1");
  rig.app(0)->send(ok("first"));
  rig.settle();
  CHECK(request_at(rig).start == "GET /next HTTP/1.1");
  CHECK(rig.finish() == "");
}

TEST_CASE("request buffer: a broken body is refused before any instance has it") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(chunked_post() + "5\r\nhello\r\n");
  rig.settle();
  client.send("xyz\r\n");
  rig.settle();
  CHECK(response_to(client).token() == "bad-body");
  CHECK(rig.app_connections() == 0);
}

}  // namespace gracevisor::test
