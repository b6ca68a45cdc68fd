// Clients that leave: what becomes of the app's response, of the connection to the app and of the lease.
#include "passing.h"

namespace gracevisor::test {
namespace {

using ClientAbort = config::ProxyOptions::ClientAbort;
using namespace std::chrono_literals;

struct Finishing {
  FakeApp app;
  ProxyRig rig{{app.endpoint()}};
  Finishing() {
    rig.options.on_client_abort = ClientAbort::finish;
    rig.publish();
  }

  // The worker has seen what happened before this on other connections.
  void settle() const {
    std::string answer = answer_to(rig, "OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
  }
  [[nodiscard]] bool nothing_leased() const {
    return eventually([&] { return app.cell().leases.read() == 0; });
  }
  // The next request comes on this connection to the app.
  void check_pooled(Peer& side) const {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/next")));
    CHECK(side.read_past("\r\n\r\n").starts_with("GET /next "));
    REQUIRE(side.send(ok("next")));
    CHECK(client.read_message().ends_with("next"));
    CHECK(app.quiet());
  }
};

// The side of the app once it has the whole request, whose client is gone then.
Peer abandoned(const Finishing& f, FakeApp& app, const std::string& request,
               const std::string& end = "\r\n\r\n") {
  Peer client = f.rig.connect();
  REQUIRE(client.send(request));
  Peer side = app.accept();
  REQUIRE(!side.read_past(end).empty());
  client.reset();
  f.settle();
  return side;
}

TEST_CASE("aborts: with finish a response is read to its end, and the connection kept") {
  Finishing f;
  for (const std::string& response :
       {ok("nobody reads this"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        std::string("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")}) {
    CAPTURE(response);
    Peer side = abandoned(f, f.app, get("/gone"));
    CHECK(side.quiet());
    CHECK(eventually([&] { return f.app.cell().leases.read() == 1; }));
    REQUIRE(side.send(response));
    CHECK(f.nothing_leased());
    f.check_pooled(side);
    side.close();
  }
  CHECK(f.rig.counts().failed.read() == 0);
}

TEST_CASE("aborts: with finish a client may leave in the middle of the response too") {
  Finishing f;
  Peer client = f.rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = f.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  constexpr std::size_t kSize = std::size_t{4} << 20;
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\nabc"));
  REQUIRE(client.read_past("\r\n\r\nabc").ends_with("abc"));
  client.reset();
  REQUIRE(side.send(std::string(kSize - 3, 'x')));  // all of it is taken, though nobody reads
  CHECK(f.nothing_leased());
  f.check_pooled(side);
  CHECK(f.rig.counts().failed.read() == 0);
}

TEST_CASE("aborts: with finish a client that reads nothing and leaves does not stop the response") {
  Finishing f;
  Peer client = f.rig.connect(4096);
  REQUIRE(client.send(get("/")));
  Peer side = f.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  constexpr std::size_t kSize = std::size_t{48} << 20;
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n"));
  const std::string block(65536, 'x');
  std::size_t sent = 0;
  for (int idle = 0; idle < 100 && sent < kSize;) {  // until back-pressure has stopped the app
    std::size_t n = side.send_some(std::string_view(block).substr(0, std::min(block.size(), kSize - sent)));
    sent += n;
    idle = n == 0 ? idle + 1 : 0;
    if (n == 0) pause_briefly();
  }
  REQUIRE(sent < kSize);
  client.reset();
  while (sent < kSize) {
    std::size_t step = std::min(block.size(), kSize - sent);
    REQUIRE(side.send(std::string_view(block).substr(0, step)));
    sent += step;
  }
  CHECK(f.nothing_leased());
  f.check_pooled(side);
}

TEST_CASE("aborts: with finish a POST that was sent whole is finished, one that was not ends at once") {
  Finishing f;
  Peer side =
      abandoned(f, f.app, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\nabc");
  CHECK(side.quiet());
  REQUIRE(side.send(ok("done")));
  CHECK(f.nothing_leased());
  f.check_pooled(side);
  f.rig.options.request_buffer = 0;
  f.rig.publish();
  Peer half =
      abandoned(f, f.app, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc", "\r\n\r\nabc");
  CHECK(half.read_to_end().empty());
  CHECK(half.end() != End::open);
  CHECK(f.nothing_leased());
}

TEST_CASE("aborts: with finish an app that closes or is cut short is no failure of a client's") {
  Finishing f;
  Peer side = abandoned(f, f.app, get("/until-close"));
  REQUIRE(side.send("HTTP/1.1 200 OK\r\n\r\nall there is"));
  side.close();
  CHECK(f.nothing_leased());
  side = abandoned(f, f.app, get("/short"));
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnot all"));
  side.close();
  CHECK(f.nothing_leased());
  CHECK(f.app.cell().cut.read() == 0);
  CHECK(f.rig.counts().failed.read() == 0);
}

TEST_CASE("aborts: with finish request_timeout still bounds the response, in its head and in its body") {
  Finishing f;
  f.rig.options.request_timeout = 80ms;
  f.rig.publish();
  Peer side = abandoned(f, f.app, get("/head"));
  CHECK(side.read_to_end().empty());
  CHECK(side.end() != End::open);
  CHECK(f.nothing_leased());
  side = abandoned(f, f.app, get("/body"));
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nslow"));
  CHECK(side.read_to_end().empty());
  CHECK(side.end() != End::open);
  CHECK(f.nothing_leased());
}

TEST_CASE("aborts: with finish pipelined requests behind the one under way are dropped") {
  Finishing f;
  Peer side = abandoned(f, f.app, get("/first") + get("/never"));
  REQUIRE(side.send(ok("first")));
  CHECK(f.nothing_leased());
  f.check_pooled(side);  // and not GET /never
}

TEST_CASE("aborts: with finish a request for another protocol is not finished without its client") {
  Finishing f;
  Peer side = abandoned(f, f.app, get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  CHECK(side.read_to_end().empty());
  CHECK(side.end() != End::open);
  CHECK(f.nothing_leased());
}

TEST_CASE("aborts: with finish a drained instance ends what nobody waits for") {
  Finishing f;
  Peer side = abandoned(f, f.app, get("/"));
  f.rig.web.targets.clear();
  f.rig.web.mode = routing::AppMode::stopped;
  f.rig.web.leaving = {{f.app.endpoint(), true}};
  f.rig.publish();
  CHECK(side.read_to_end().empty());
  CHECK(side.end() != End::open);
  CHECK(f.nothing_leased());
}

TEST_CASE("aborts: a worker that ends while responses are finished leaves no lease behind") {
  Finishing f;
  Peer side = abandoned(f, f.app, get("/"));
  CHECK(f.rig.finish() == 0);
  CHECK(f.app.cell().leases.read() == 0);
  CHECK(side.read_to_end().empty());
}

TEST_CASE("aborts: with close the app's connection ends at once, in the head and in the body") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  for (bool in_body : {false, true}) {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/")));
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    if (in_body) {
      REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"));
      REQUIRE(client.read_past("\r\n\r\nabc").ends_with("abc"));
    }
    client.reset();
    CHECK(side.read_to_end().empty());
    CHECK(side.end() != End::open);
    CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
  }
  CHECK(rig.counts().failed.read() == 0);
}

}  // namespace
}  // namespace gracevisor::test
