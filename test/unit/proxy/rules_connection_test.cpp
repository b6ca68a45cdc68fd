// Rules 60 to 62 and 64 to 66: how long connections last, what is sent twice, and how the last answer
// arrives.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

const std::string kOldKeepAlive = "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n";

std::string request(const std::string& method, const std::string& fields = "") {
  return method + " / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

TEST_CASE("rule 60: a client of 1.0 keeps its connection only if it asks, and the response has a length") {
  RuleRig rig;
  RawEnd& plain = rig.ask("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  rig.answer(ok("x"));
  CHECK(plain.received().find("Connection: close\r\n") != std::string::npos);
  CHECK(plain.end() == End::finished);

  RawEnd& asking = rig.ask(kOldKeepAlive);
  rig.answer(ok("x"));
  CHECK(asking.take().find("Connection: keep-alive\r\n") != std::string::npos);
  CHECK(asking.end() == End::open);
  rig.ask(asking, kOldKeepAlive);
  rig.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  CHECK(asking.take().find("Connection: close\r\n") != std::string::npos);
  CHECK(asking.end() == End::finished);
}

TEST_CASE("rule 60: an instance of 1.0 keeps its connection only if it says so") {
  RuleRig rig;
  RawEnd& client = rig.ask(get("/"));
  rig.answer("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx");
  CHECK(rig.app(0)->end() != End::open);
  rig.ask(client, get("/"));
  rig.answer("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx");
  CHECK(rig.app(1)->end() == End::open);
  rig.ask(client, get("/"));
  CHECK(rig.app_connections() == 2);
}

TEST_CASE("rule 61: behind Connection: close nothing is served") {
  for (const char* option : {"close", "Close", "x, CLOSE", "keep-alive, close"}) {
    CAPTURE(std::string(option));
    RuleRig rig;
    RawEnd& client = rig.ask(get("/1", "Connection: " + std::string(option) + "\r\n") + get("/2"));
    rig.answer(ok("one"));
    rig.ask(client, get("/3"));
    WireMessage answer = read_responses(client.received(), client.end()).messages.at(0);
    CHECK(answer.field("Connection") == "close");
    CHECK(client.received().ends_with("one"));
    CHECK(client.end() == End::finished);
    CHECK(rig.forwarded().find("/2") == std::string::npos);
    CHECK(rig.forwarded().find("/3") == std::string::npos);
  }
}

TEST_CASE(
    "rule 61: an instance that says close is not asked again there, and its client keeps its own "
    "connection") {
  RuleRig rig;
  RawEnd& client = rig.ask(get("/1"));
  rig.answer(ok("one", "Connection: close\r\n"));
  CHECK(rig.app(0)->end() != End::open);
  CHECK(client.received().find("close") == std::string::npos);
  rig.ask(client, get("/2"));
  CHECK(rig.app_connections() == 2);
}

TEST_CASE("rule 62: pipelined requests are served one at a time, and answered in order") {
  RuleRig rig({.instances = 2});
  std::string all;
  for (int i = 0; i < 20; ++i) all += get("/" + std::to_string(i));
  RawEnd& client = rig.ask(all);
  for (int i = 0; i < 20; ++i) {
    CHECK(rig.leases() == 1);
    std::size_t at = 0;
    while (at < rig.app_connections() && !rig.app(at)->take().starts_with("GET /" + std::to_string(i) + " "))
      ++at;
    REQUIRE(at < rig.app_connections());
    rig.answer(at, ok(std::to_string(i)));
    CHECK(client.take().ends_with("\r\n\r\n" + std::to_string(i)));
  }
  CHECK(client.end() == End::open);
}

constexpr base::Duration kJudgement = base::Millis(50);

TEST_CASE("rule 64: a request that is not idempotent is never sent twice") {
  struct Case {
    const char* method;
    bool twice;
  };
  for (const auto& [method, twice] :
       {Case{"POST", false}, Case{"PATCH", false}, Case{"PROPFIND", false}, Case{"GET", true},
        Case{"HEAD", true}, Case{"PUT", true}, Case{"DELETE", true}, Case{"OPTIONS", true}}) {
    CAPTURE(std::string(method));
    RuleRig rig;
    RawEnd& client = rig.ask(request(method, "Content-Length: 0\r\n"));
    rig.finish_app();
    rig.pass(kJudgement);  // the only instance may be about to be found dead
    CHECK(rig.app_connections() == (twice ? 2 : 1));
    if (twice) rig.finish_app(1);
    rig.pass(kJudgement);
    CHECK(rig.app_connections() == (twice ? 2 : 1));
    CHECK(client.received().starts_with("HTTP/1.1 502 "));
    CHECK(client.received().find("X-Gv-Error: upstream-closed\r\n") != std::string::npos);
  }
}

TEST_CASE("rule 64: nothing is sent again once a response has begun") {
  for (const char* begun : {"H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}) {
    CAPTURE(std::string(begun));
    RuleRig rig;
    rig.ask(get("/"));
    rig.answer(begun);
    rig.finish_app();
    CHECK(rig.app_connections() == 1);
    CHECK(rig.counts().failed.read() == 1);
  }
}

TEST_CASE("rule 64: a key that makes a POST safe to repeat lets it be repeated") {
  RuleRig rig;
  RawEnd& client = rig.ask(request("POST", "Idempotency-Key: 1\r\nContent-Length: 0\r\n"));
  rig.finish_app();
  rig.pass(kJudgement);
  REQUIRE(rig.app_connections() == 2);
  CHECK(rig.app(1)->received() == rig.app(0)->received());
  rig.answer(ok("second"));
  CHECK(client.received().ends_with("second"));
}

TEST_CASE("rule 65: an answer before the request's end says that the connection closes") {
  RuleRig rig;
  rig.options.max_body = 10;
  rig.publish();
  RawEnd& by_length = rig.ask(request("POST", "Content-Length: 11\r\n"));
  RawEnd& by_chunks = rig.ask(request("POST", "Transfer-Encoding: chunked\r\n") + "B\r\n");
  RawEnd& malformed = rig.ask(request("POST", "Transfer-Encoding: chunked\r\n") + "x");
  for (RawEnd* client : {&by_length, &by_chunks, &malformed}) {
    WireMessage answer = read_responses(client->received(), client->end()).messages.at(0);
    CHECK(answer.status() == (client == &malformed ? 400 : 413));
    CHECK(answer.field("Connection") == "close");
    CHECK(client->end() == End::finished);
  }
  CHECK(rig.app_connections() == 0);
}

TEST_CASE("rule 66: a client that still sends gets the last answer, and then the end") {
  RuleRig rig;
  rig.options.max_body = 10;
  rig.publish();
  RawEnd& client = rig.ask(request("POST", "Content-Length: 1000000\r\n") + std::string(500'000, 'x'));
  CHECK(client.received().starts_with("HTTP/1.1 413 "));
  CHECK(client.end() == End::finished);
  // Discarded, not reset: the connection is still there.
  rig.ask(client, std::string(400'000, 'x'));
  client.finish_writing();
  rig.settle();
  CHECK(read_responses(client.received(), client.end()).messages.size() == 1);
}

TEST_CASE("rule 66: a client that ends neither is waited for only so long") {
  RuleRig rig;
  RawEnd& idle = rig.ask("GET /\r\n\r\n");
  RawEnd& dripping = rig.ask("GET /\r\n\r\n");
  CHECK(idle.end() == End::finished);
  for (int i = 0; i < 9; ++i) {
    rig.pass(4s);
    rig.ask(dripping, "x");
  }
  // The next byte of either meets a closed socket.
  for (RawEnd* client : {&idle, &dripping}) {
    rig.ask(*client, "x");
    rig.ask(*client, "x");
    CHECK(!client->writable());
  }
}

}  // namespace
}  // namespace gracevisor::test
