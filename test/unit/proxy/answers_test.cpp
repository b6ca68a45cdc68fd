// The proxy's own answers, and waiting for an instance.
#include <doctest/doctest.h>

#include "proxy/hold_queue.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using routing::AppMode;
using namespace std::chrono_literals;

bool has_token(const std::string& answer, const std::string& token) {
  return answer.find("X-Gv-Error: " + token + "\r\n") != std::string::npos;
}

TEST_CASE("answers: an unknown host gets 404 and may go on") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  Peer client = rig.connect();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(client.send(get("/")));
    std::string answer = client.read_message();
    CHECK(answer.starts_with("HTTP/1.1 404 "));
    CHECK(has_token(answer, "no-route"));
  }
  CHECK(app.quiet());
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("answers: a stopped app gives 503 with Retry-After at once") {
  ProxyRig rig;
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(has_token(answer, "stopped"));
  CHECK(answer.find("Retry-After: ") != std::string::npos);
  CHECK(rig.counts().failed.read() == 1);
}

TEST_CASE("answers: a broken request is refused and the connection closed") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/next")));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::finished);
  CHECK(app.quiet());
}

TEST_CASE("answers: a body above the limit gets 413, by its length and by its chunks") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  rig.options.max_body = 10;
  rig.publish();
  Peer by_length = rig.connect();
  REQUIRE(by_length.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"));
  CHECK(by_length.read_message().starts_with("HTTP/1.1 413 "));
  CHECK(app.quiet());
  Peer by_chunks = rig.connect();
  REQUIRE(
      by_chunks.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n"));
  Peer side = app.accept();
  REQUIRE(!side.read_past("12345678").empty());
  REQUIRE(by_chunks.send("8\r\n12345678\r\n"));
  std::string answer = by_chunks.read_message();
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(side.read_to_end().find("0\r\n\r\n") == std::string::npos);
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("answers: an app that does not answer in time gets its client 504") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_timeout = 50ms;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 504 "));
  CHECK(has_token(answer, "upstream-timeout"));
  CHECK(side.read_to_end().starts_with("GET / "));
  CHECK(rig.counts().failed.read() == 1);
}

TEST_CASE("answers: a body that does not come gets 408, and is the client's fault") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  rig.options.body_timeout = 50ms;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"));
  Peer side = app.accept();
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(has_token(answer, "body-timeout"));
  CHECK(side.read_to_end().ends_with("ab"));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("answers: nonsense from the app gets 502, an unasked 101 too, and so do endless interim heads") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  std::string interims;
  for (int i = 0; i < 17; ++i) interims += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string twice = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
  for (const auto& [bytes, token] :
       {std::pair{std::string("SSH-2.0-x\r\n\r\n"), "bad-status-line"},
        {std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "unasked-upgrade"},
        {twice, "two-lengths"},
        {std::string("HTTP/1.1 200 OK\r\nX-A: \x01\r\n\r\n"), "control-byte"},
        {interims, "too-many-interim"}}) {
    Peer client = rig.connect();
    REQUIRE(client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n"));  // 1.0: interim heads are not passed
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(bytes));
    std::string answer = client.read_to_end();
    CHECK(answer.starts_with("HTTP/1.1 502 "));
    CHECK(has_token(answer, token));
    CHECK(side.read_to_end().empty());
    auto told = rig.web.ledger->last_failure.take();
    REQUIRE(told != nullptr);
    CHECK(http::text_of(told->reason).token == token);
    if (std::string_view(token) == "control-byte") CHECK(told->field == "X-A");
  }
  CHECK(rig.port().failures.read() == 5);
}

TEST_CASE("hold: a request waits for an instance and is served when one is live") {
  FakeApp app;
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST /held HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  CHECK(rig.counts().held.read() == 1);
  CHECK(client.quiet());
  rig.web.mode = AppMode::live;
  rig.web.targets = {app.endpoint()};
  rig.publish();
  Peer side = app.accept();
  CHECK(side.read_past("\r\n\r\nabc").starts_with("POST /held "));
  CHECK(rig.counts().waiting.read() == 0);
  REQUIRE(side.send(ok("late")));
  CHECK(client.read_message().ends_with("late"));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("hold: more than a turn's worth of requests are all released") {
  constexpr int kRequests = proxy::HoldQueue::kPerTurn + 6;
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.publish();
  std::vector<Peer> clients;
  for (int i = 0; i < kRequests; ++i) {
    clients.push_back(rig.connect());
    REQUIRE(clients.back().send(get("/")));
  }
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == kRequests; }));
  rig.web.mode = AppMode::stopped;
  rig.publish();
  for (Peer& client : clients) CHECK(has_token(client.read_message(), "stopped"));
  CHECK(rig.counts().waiting.read() == 0);
}

TEST_CASE("hold: nobody waits longer than hold") {
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.web.hold = 30ms;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(has_token(answer, "hold-timeout"));
  CHECK(eventually([&] { return rig.counts().waiting.read() == 0; }));
}

TEST_CASE("hold: without hold there is no waiting") {
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.web.hold = 0s;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  CHECK(has_token(client.read_message(), "hold-timeout"));
  CHECK(rig.counts().held.read() == 0);
}

TEST_CASE("hold: a client that leaves leaves the queue") {
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.publish();
  for (bool broken : {true, false}) {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/")));
    REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
    if (broken) {
      client.reset();
    } else {
      client.finish_writing();
    }
    CHECK(eventually([&] { return rig.counts().waiting.read() == 0; }));
  }
  CHECK(rig.counts().failed.read() == 0);
}

}  // namespace
}  // namespace gracevisor::test
