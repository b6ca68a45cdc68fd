// Upgrades: what becomes a tunnel, what does not, and how tunnels end.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

const std::string kAsk =
    "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const std::string kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const std::string kHello("\x81\x05hello", 7);  // a text frame of a server
const std::string kClose1012("\x88\x02\x03\xf4", 4);
const std::string kMaskedClose1001("\x88\x82\0\0\0\0\x03\xe9", 8);
const std::string kMaskedReply("\x88\x82\0\0\0\0\x03\xf4", 8);

struct Tunnelled {
  explicit Tunnelled(ProxyRig& rig, const FakeApp& of, const std::string& answer = kSwitch) : app(of) {
    client = rig.connect();
    REQUIRE(client.send(kAsk));
    upstream = const_cast<FakeApp&>(of).accept();
    head = upstream.read_past("\r\n\r\n");
    REQUIRE(upstream.send(answer));
    answered = client.read_past("\r\n\r\n");
  }
  const FakeApp& app;
  Peer client;
  Peer upstream;
  std::string head;      // as the app saw it
  std::string answered;  // as the client saw it
};

// The endpoint is no target any more.
void leave(ProxyRig& rig, const FakeApp& app, bool closing = false) {
  rig.web.mode = routing::AppMode::stopped;
  rig.web.targets.clear();
  rig.web.leaving = {{app.endpoint(), closing}};
  rig.publish();
}

TEST_CASE("tunnel: a 101 that was asked for joins both ends byte for byte") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  {
    Tunnelled t(rig, app);
    CHECK(t.head.find("Connection: Upgrade\r\nUpgrade: WebSocket\r\n") != std::string::npos);
    CHECK(t.head.find("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") != std::string::npos);
    CHECK(t.answered.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(t.answered.find("Connection: Upgrade\r\nUpgrade: websocket\r\n") != std::string::npos);
    CHECK(t.answered.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
    CHECK(eventually([&] { return app.cell().tunnels.read() == 1; }));
    REQUIRE(t.upstream.send("\x81\x02hi"));
    CHECK(t.client.read_exactly(4) == "\x81\x02hi");
    REQUIRE(t.client.send("GET / HTTP/1.1\r\n\r\n"));  // no request any more
    CHECK(t.upstream.read_exactly(18) == "GET / HTTP/1.1\r\n\r\n");
  }
  CHECK(eventually([&] { return app.cell().leases.read() == 0 && app.cell().tunnels.read() == 0; }));
  CHECK(eventually([&] { return rig.counts().requests.read() == 1; }));
}

TEST_CASE("tunnel: bytes that come with the 101, and bytes that the client sent early, are not lost") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(kAsk + "early"));
  Peer upstream = app.accept();
  (void)upstream.read_past("\r\n\r\n");
  CHECK(upstream.quiet());  // nothing of the new protocol before the 101
  REQUIRE(upstream.send(kSwitch + kHello));
  CHECK(client.read_past("\r\n\r\n").starts_with("HTTP/1.1 101"));
  CHECK(client.read_exactly(kHello.size()) == kHello);
  CHECK(upstream.read_exactly(5) == "early");
}

TEST_CASE("rule 56: a 101 that nobody asked for, or for another protocol, is a 502") {
  struct Row {
    std::string asked;
    std::string answer;
  };
  const std::string plain = get("/");
  for (const Row& row :
       {Row{plain, kSwitch}, Row{kAsk, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"},
        Row{kAsk, "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n"},
        Row{kAsk, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n"},
        Row{kAsk, "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket, x\r\n\r\n"},
        Row{get("/", "Upgrade: websocket\r\n"), kSwitch},
        Row{"GET / HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", kSwitch},
        Row{get("/", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"}}) {
    CAPTURE(row.asked);
    CAPTURE(row.answer);
    FakeApp app;
    ProxyRig rig({app.endpoint()});
    Peer client = rig.connect();
    REQUIRE(client.send(row.asked));
    Peer upstream = app.accept();
    (void)upstream.read_past("\r\n\r\n");
    REQUIRE(upstream.send(row.answer));
    std::string answer = client.read_message();
    CHECK(answer.starts_with("HTTP/1.1 502 "));
    CHECK(answer.find("X-Gv-Error: unasked-upgrade\r\n") != std::string::npos);
    CHECK(upstream.read_to_end().empty());
  }
}

TEST_CASE("rule 56: an app that does not upgrade answers as ever, and the connection goes on") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(kAsk));
  Peer upstream = app.accept();
  (void)upstream.read_past("\r\n\r\n");
  REQUIRE(upstream.send(ok("no")));
  CHECK(client.read_message().ends_with("no"));
  REQUIRE(client.send(get("/next")));
  CHECK(upstream.read_past("\r\n\r\n").starts_with("GET /next "));
  REQUIRE(upstream.send(ok("yes")));
  CHECK(client.read_message().ends_with("yes"));
}

TEST_CASE("rule 57: a 100 before the 101 keeps its place") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(
      client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
                  "Connection: Upgrade\r\nUpgrade: foo/1\r\n\r\n"));
  Peer upstream = app.accept();
  (void)upstream.read_past("\r\n\r\n");
  REQUIRE(upstream.send("HTTP/1.1 100 Continue\r\n\r\n"));
  CHECK(client.read_past("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  REQUIRE(client.send("ok"));
  CHECK(upstream.read_exactly(2) == "ok");
  REQUIRE(upstream.send("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: foo/1\r\n\r\nx"));
  CHECK(client.read_past("\r\n\r\nx").starts_with("HTTP/1.1 101 "));
  // What is no WebSocket is cut off without a word.
  leave(rig, app, true);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("tunnel: a 101 before the request's body is complete is a 502") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: Upgrade\r\n"
                  "Upgrade: websocket\r\n\r\n"));
  Peer upstream = app.accept();
  (void)upstream.read_past("\r\n\r\n");
  REQUIRE(upstream.send(kSwitch));
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
}

TEST_CASE("rule 58: each direction ends by itself") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Tunnelled t(rig, app);
  REQUIRE(t.client.send("last words"));
  t.client.finish_writing();
  CHECK(t.upstream.read_to_end() == "last words");
  CHECK(t.upstream.end() == End::finished);
  REQUIRE(t.upstream.send("still here"));
  CHECK(t.client.read_exactly(10) == "still here");
  t.upstream.close();
  CHECK(t.client.read_to_end().empty());
  CHECK(t.client.end() == End::finished);
  CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
}

TEST_CASE("rule 58: the app may end first") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Tunnelled t(rig, app);
  REQUIRE(t.upstream.send("bye"));
  t.upstream.finish_writing();
  CHECK(t.client.read_to_end() == "bye");
  CHECK(t.client.end() == End::finished);
  REQUIRE(t.client.send("thanks"));
  CHECK(t.upstream.read_exactly(6) == "thanks");
  t.client.finish_writing();
  CHECK(t.upstream.read_to_end().empty());
}

TEST_CASE("tunnel: a broken end breaks the other") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  SUBCASE("the app's") {
    Tunnelled t(rig, app);
    t.upstream.reset();
    CHECK(t.client.read_to_end().empty());
    CHECK(t.client.end() == End::reset);
  }
  SUBCASE("the client's") {
    Tunnelled t(rig, app);
    t.client.reset();
    CHECK(t.upstream.read_to_end().empty());
  }
  CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
}

TEST_CASE("tunnel: a megabyte each way passes though nobody reads at first") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Tunnelled t(rig, app);
  std::string much(std::size_t{1} << 20, 'x');
  std::size_t there = t.client.send_some(much);
  std::size_t back = t.upstream.send_some(much);
  CHECK(t.upstream.read_exactly(there) == much.substr(0, there));
  CHECK(t.client.read_exactly(back) == much.substr(0, back));
}

TEST_CASE("tunnel: one on which nothing moves is ended") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.tunnel_timeout = base::Millis(50);
  rig.options.half_close_timeout = base::Millis(50);
  rig.publish();
  SUBCASE("a WebSocket with a Close frame") {
    Tunnelled t(rig, app);
    CHECK(t.client.read_exactly(4) == kClose1012);
    CHECK(t.upstream.read_exactly(8) == kMaskedClose1001);
  }
  SUBCASE("and so is one that is half closed") {
    rig.options.tunnel_timeout = base::Millis(60000);
    rig.publish();
    Tunnelled t(rig, app);
    t.client.finish_writing();
    CHECK(t.upstream.read_to_end().empty());
    CHECK(t.client.read_exactly(4) == kClose1012);  // who has finished sending may still read
  }
}

TEST_CASE("tunnel: at a cutover a WebSocket ends with 1012 between two frames, and the app hears of it") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.web.upgraded = config::Deploy::Upgraded::close;
  rig.web.drain_window = base::Millis(200);
  rig.publish();
  Tunnelled t(rig, app);
  SUBCASE("at once where no frame is under way") {
    leave(rig, app);
    CHECK(t.client.read_exactly(4) == kClose1012);
    CHECK(t.upstream.read_exactly(8) == kMaskedClose1001);
    REQUIRE(t.client.send(kMaskedReply));
    REQUIRE(t.upstream.send("\x88\x02\x03\xe9"));
    CHECK(t.upstream.read_to_end().empty());
    CHECK(t.client.read_to_end().empty());
    CHECK(t.client.end() == End::finished);
  }
  SUBCASE("behind the frame that has begun") {
    REQUIRE(t.upstream.send(kHello.substr(0, 4)));
    CHECK(t.client.read_exactly(4) == kHello.substr(0, 4));
    leave(rig, app);
    CHECK(t.upstream.read_exactly(8) == kMaskedClose1001);  // so the moment has come
    CHECK(t.client.quiet());
    REQUIRE(t.upstream.send(kHello.substr(4) + kHello));
    CHECK(t.client.read_exactly(3 + 4) == "llo" + kClose1012);
  }
  CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
}

TEST_CASE("tunnel: `now` ends at the cutover, `wait` at the drain deadline") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.web.drain_window = base::Millis(3'600'000);
  SUBCASE("now") {
    rig.web.upgraded = config::Deploy::Upgraded::now;
    Tunnelled t(rig, app);
    leave(rig, app);
    CHECK(t.client.read_exactly(4) == kClose1012);
  }
  SUBCASE("wait") {
    rig.web.upgraded = config::Deploy::Upgraded::wait;
    Tunnelled t(rig, app);
    leave(rig, app);
    REQUIRE(t.upstream.send(kHello));
    CHECK(t.client.read_exactly(kHello.size()) == kHello);
    leave(rig, app, true);
    CHECK(t.client.read_exactly(4) == kClose1012);
    CHECK(t.client.read_to_end().empty());
    CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
    CHECK(app.cell().cut.read() == 1);
  }
}

TEST_CASE("tunnel: an endpoint that is listed again keeps its tunnels") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.web.upgraded = config::Deploy::Upgraded::close;
  rig.web.drain_window = base::Millis(3'600'000);
  Tunnelled t(rig, app);
  leave(rig, app);
  rig.web.mode = routing::AppMode::live;
  rig.web.targets = {app.endpoint()};
  rig.web.leaving.clear();
  rig.web.upgraded = config::Deploy::Upgraded::now;
  rig.publish();
  REQUIRE(t.upstream.send(kHello));
  CHECK(t.client.read_exactly(kHello.size()) == kHello);
}

}  // namespace
}  // namespace gracevisor::test
