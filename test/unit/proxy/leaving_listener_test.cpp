// A listener that leaves, and routes that leave one which stays: nobody who is connected loses anything.
#include "passing.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEnd = "\r\n\r\n";

std::uint64_t open_connections(const ProxyRig& rig) {
  return rig.sockets()->ledger->open();
}

// One request through to the app, and its answer.
std::string served(Peer& client, FakeApp& app) {
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past(kEnd).empty());
  REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
  return client.read_message();
}

TEST_CASE("leaving listener: its connections are served once more, and end with that answer") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  Peer fresh = rig.connect();
  CHECK(value_of(served(client, app), "Connection") != "close");
  REQUIRE(eventually([&] { return open_connections(rig) == 2; }));
  rig.leaving = true;
  rig.publish();
  for (Peer* each : {&client, &fresh}) {
    std::string answer = served(*each, app);
    CHECK(answer.ends_with("ok"));
    CHECK(value_of(answer, "Connection") == "close");
    each->close();
  }
  CHECK(eventually([&] { return open_connections(rig) == 0; }));
  CHECK(rig.sockets()->ledger->own_answers() == 0);
}

TEST_CASE("leaving listener: a response that is under way ends whole") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past(kEnd).empty());
  rig.leaving = true;
  rig.publish();
  REQUIRE(side.send(ok("whole")));
  std::string answer = client.read_message();
  CHECK(answer.ends_with("whole"));
  CHECK(value_of(answer, "Connection") == "close");
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::finished);
}

TEST_CASE("leaving listener: one that comes back goes on as if nothing had been") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  CHECK(served(client, app).ends_with("ok"));
  rig.leaving = true;
  rig.publish();
  rig.leaving = false;
  rig.publish();
  CHECK(value_of(served(client, app), "Connection") != "close");
  Peer another = rig.connect();
  CHECK(served(another, app).ends_with("ok"));
}

TEST_CASE("leaving listener: at its end what is idle closes and what waits for its app is told so") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer idle = rig.connect();
  CHECK(served(idle, app).ends_with("ok"));
  Peer waiting = rig.connect();
  REQUIRE(waiting.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past(kEnd).empty());
  rig.leaving = true;
  rig.publish();
  rig.listed = false;
  rig.publish();
  CHECK(idle.read_to_end().empty());
  CHECK(idle.end() == End::finished);
  std::string answer = waiting.read_message();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(value_of(answer, "X-Gv-Error") == "drained");
  CHECK(value_of(answer, "Connection") == "close");
  CHECK(rig.sockets()->ledger->own_answers() == 1);
  waiting.close();
  CHECK(eventually([&] { return open_connections(rig) == 0; }));
}

TEST_CASE("leaving routes: a connection that was there before is served once more, a new one is not") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer before = rig.connect();
  CHECK(served(before, app).ends_with("ok"));
  rig.former = std::exchange(rig.routes, {{"other.test", "/", rig.web.id}});
  rig.former_until = rig.epoch().next();
  rig.publish();
  Peer after = rig.connect();
  REQUIRE(after.send(get("/")));
  CHECK(value_of(after.read_message(), "X-Gv-Error") == "no-route");
  CHECK(rig.sockets()->ledger->own_answers() == 1);
  std::string answer = served(before, app);
  CHECK(answer.ends_with("ok"));
  CHECK(value_of(answer, "Connection") == "close");
  CHECK(before.read_to_end().empty());
}

TEST_CASE("leaving listener: a worker says that it has entered a table when it has closed what leaves") {
  ProxyRig rig;
  rig.leaving = true;
  base::Epoch epoch = rig.put();
  CHECK(eventually([&] { return rig.port().entered.read() == epoch; }));
}

}  // namespace
}  // namespace gracevisor::test
