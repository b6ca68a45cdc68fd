// TCP mode: a connection belongs to an instance from the first byte to the last, whatever it carries.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

// The app has the listener for itself.
void speak_tcp(ProxyRig& rig) {
  rig.web.protocol = config::Protocol::tcp;
  rig.tcp = rig.web.id;
  rig.publish();
}

TEST_CASE("tcp mode: the instance may speak first, and bytes are not looked at") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  speak_tcp(rig);
  Peer client = rig.connect();
  Peer upstream = app.accept();
  REQUIRE(upstream.send("220 ready\r\n"));
  CHECK(client.read_exactly(11) == "220 ready\r\n");
  std::string noise("\0\xff\r\n\r\nGET", 9);
  REQUIRE(client.send(noise));
  CHECK(upstream.read_exactly(9) == noise);
  CHECK(eventually([&] { return app.cell().tunnels.read() == 1; }));
  upstream.close();
  CHECK(client.read_to_end().empty());
}

TEST_CASE("tcp mode: a half-close passes in either direction, what was sent before it too") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  speak_tcp(rig);
  Peer client = rig.connect();
  REQUIRE(client.send("question"));
  client.finish_writing();
  Peer upstream = app.accept();
  CHECK(upstream.read_to_end() == "question");
  REQUIRE(upstream.send("answer"));
  upstream.close();
  CHECK(client.read_to_end() == "answer");
  CHECK(client.end() == End::finished);
  CHECK(eventually([&] { return app.cell().leases.read() == 0; }));
  CHECK(eventually([&] { return rig.counts().requests.read() == 1; }));
}

TEST_CASE("tcp mode: an instance that refuses is passed over") {
  FakeApp dead;
  FakeApp live(base::GenerationId(2));
  dead.close();
  ProxyRig rig({dead.endpoint(), live.endpoint()});
  rig.options.balance = config::ProxyOptions::Balance::round_robin;
  speak_tcp(rig);
  for (int i = 0; i < 4; ++i) {
    Peer client = rig.connect();
    REQUIRE(client.send("x"));
    CHECK(live.accept().read_exactly(1) == "x");
  }
}

TEST_CASE("tcp mode: connections wait while no instance is ready") {
  FakeApp app;
  ProxyRig rig;
  rig.web.mode = routing::AppMode::hold;
  speak_tcp(rig);
  Peer client = rig.connect();
  REQUIRE(client.send("patience"));
  CHECK(eventually([&] { return rig.counts().waiting.read() == 1; }));
  rig.web.mode = routing::AppMode::live;
  rig.web.targets = {app.endpoint()};
  rig.publish();
  Peer upstream = app.accept();
  CHECK(upstream.read_exactly(8) == "patience");
  REQUIRE(upstream.send("pays"));
  CHECK(client.read_exactly(4) == "pays");
}

TEST_CASE("tcp mode: without an instance to come the connection is reset") {
  ProxyRig rig;
  speak_tcp(rig);
  Peer client = rig.connect();
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::reset);
}

TEST_CASE("tcp mode: connections to an old generation last until the drain deadline, whatever the policy") {
  FakeApp old_app;
  FakeApp new_app(base::GenerationId(2));
  ProxyRig rig({old_app.endpoint()});
  rig.web.upgraded = config::Deploy::Upgraded::now;
  speak_tcp(rig);
  Peer client = rig.connect();
  Peer upstream = old_app.accept();
  rig.web.targets = {new_app.endpoint()};
  rig.web.leaving = {{old_app.endpoint(), false}};
  rig.publish();
  REQUIRE(upstream.send("old"));
  CHECK(client.read_exactly(3) == "old");
  Peer second = rig.connect();
  REQUIRE(second.send("new"));
  CHECK(new_app.accept().read_exactly(3) == "new");
  rig.web.leaving = {{old_app.endpoint(), true}};
  rig.publish();
  CHECK(client.read_to_end().empty());
  CHECK(eventually([&] { return old_app.cell().leases.read() == 0; }));
}

}  // namespace
}  // namespace gracevisor::test
