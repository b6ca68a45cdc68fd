// New tables under running requests: what goes where, and what the supervisor may rely on.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using routing::AppMode;

// The next table: `to` instead of `from`, which is leaving.
void cut_over(ProxyRig& rig, const FakeApp& from, const FakeApp& to, bool closing = false) {
  rig.web.mode = AppMode::live;
  rig.web.targets = {to.endpoint()};
  rig.web.leaving = {{from.endpoint(), closing}};
  rig.publish();
}

TEST_CASE("cutover: a request in flight ends where it began, the next one goes to the new generation") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/old")));
  Peer old_side = old_app.accept();
  REQUIRE(!old_side.read_past("\r\n\r\n").empty());
  REQUIRE(old_side.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha"));
  REQUIRE(client.read_past("ha").ends_with("ha"));
  cut_over(rig, old_app, new_app);
  CHECK(old_app.cell().leases.read() == 1);
  CHECK(rig.port().oldest_pinned.read() == base::Epoch(1));

  auto rings = rig.rings();
  REQUIRE(old_side.send("lf"));
  CHECK(client.read_exactly(2) == "lf");
  // Closed, not pooled, and only then counted off.
  CHECK(old_side.read_to_end().empty());
  CHECK(old_side.end() == End::finished);
  CHECK(eventually([&] { return old_app.cell().leases.read() == 0; }));
  CHECK(eventually([&] { return rig.port().oldest_pinned.read() == rig.port().adopted.read(); }));
  CHECK(eventually([&] { return rig.rings() > rings; }));

  REQUIRE(client.send(get("/new")));
  Peer new_side = new_app.accept();
  CHECK(new_side.read_past("\r\n\r\n").starts_with("GET /new "));
  REQUIRE(new_side.send(ok("new")));
  CHECK(client.read_message().ends_with("new"));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("cutover: idle connections of the old generation are closed before the adoption is told") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer pooled = old_app.accept();
  REQUIRE(!pooled.read_past("\r\n\r\n").empty());
  REQUIRE(pooled.send(ok("x")));
  REQUIRE(client.read_message().ends_with("x"));
  REQUIRE(eventually([&] { return old_app.cell().leases.read() == 0; }));
  CHECK(pooled.quiet());
  cut_over(rig, old_app, new_app);  // returns when `adopted` is seen
  CHECK_FALSE(pooled.quiet());
  CHECK(pooled.read_to_end().empty());
  CHECK(pooled.end() == End::finished);
}

TEST_CASE("cutover: at the drain deadline a request without an answer gets 503 drained") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer old_side = old_app.accept();
  REQUIRE(!old_side.read_past("\r\n\r\n").empty());
  cut_over(rig, old_app, new_app);
  CHECK(client.quiet());
  cut_over(rig, old_app, new_app, true);
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("X-Gv-Error: drained\r\n") != std::string::npos);
  CHECK(answer.find("Retry-After: ") != std::string::npos);
  CHECK(old_side.read_to_end().empty());
  CHECK(eventually([&] { return old_app.cell().leases.read() == 0; }));
  // The client's connection was not harmed.
  REQUIRE(client.send(get("/again")));
  Peer new_side = new_app.accept();
  CHECK(!new_side.read_past("\r\n\r\n").empty());
}

TEST_CASE("cutover: at the drain deadline a response that has begun is cut visibly and counted") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer old_side = old_app.accept();
  REQUIRE(!old_side.read_past("\r\n\r\n").empty());
  REQUIRE(old_side.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"));
  REQUIRE(client.read_past("a\r\n").ends_with("1\r\na\r\n"));
  cut_over(rig, old_app, new_app, true);
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::reset);
  CHECK(old_app.cell().cut.read() == 1);
  CHECK(eventually([&] { return old_app.cell().leases.read() == 0; }));
  CHECK(rig.counts().failed.read() == 1);
}

TEST_CASE("cutover: cutting back makes the old generation a target again") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  cut_over(rig, old_app, new_app);
  cut_over(rig, new_app, old_app);
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = old_app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("back")));
  CHECK(client.read_message().ends_with("back"));
  CHECK(new_app.quiet());
}

TEST_CASE("cutover: many tables in a row are adopted as the newest, and none stays pinned") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  base::Epoch last;
  for (int i = 0; i < 200; ++i) last = rig.put();
  CHECK(eventually([&] { return rig.port().adopted.read() == last; }));
  CHECK(rig.port().oldest_pinned.read() == last);
}

TEST_CASE("shutdown: a closing table answers with Connection: close, and loses no idle client's request") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("1")));
  REQUIRE(client.read_message().ends_with("1"));
  Peer waiting = rig.connect();  // in the backlog, or accepted
  rig.closing = true;
  rig.publish();
  for (Peer* peer : {&client, &waiting}) {
    REQUIRE(peer->send(get("/last")));
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(ok("2")));
    std::string answer = peer->read_to_end();
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.ends_with("2"));
    CHECK(peer->end() == End::finished);
  }
}

TEST_CASE("worker: finishing in the middle of everything leaves no lease and no handle") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer in_flight = rig.connect();
  REQUIRE(in_flight.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  Peer idle = rig.connect();
  Peer half = rig.connect();
  REQUIRE(half.send("GET / HT"));
  CHECK(app.cell().leases.read() == 1);
  CHECK(rig.finish() == 0);
  CHECK(app.cell().leases.read() == 0);
}

}  // namespace
}  // namespace gracevisor::test
