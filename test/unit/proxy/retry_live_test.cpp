// Attempts that fail, against a real worker: what is sent again, and what never is.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"
#include "support/temp_folder.h"

namespace gracevisor::test {
namespace {

using routing::AppMode;
using namespace std::chrono_literals;

const std::string kPost = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

// One request of this client, served by `app` on a new connection, which is pooled afterwards.
Peer pooled_connection(Peer& client, FakeApp& app) {
  REQUIRE(client.send(get("/first")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("first")));
  REQUIRE(client.read_message().ends_with("first"));
  REQUIRE(eventually([&] { return app.cell().leases.read() == 0; }));
  return side;
}

TEST_CASE("retry: a refused connection goes to the other target, of any method") {
  FakeApp dead;
  FakeApp alive;
  dead.close();
  ProxyRig rig({dead.endpoint(), alive.endpoint()});
  Peer client = rig.connect();
  Peer side;
  // The balancer chooses either; both requests must reach the one that is alive.
  for (int i = 0; i < 20; ++i) {
    REQUIRE(client.send(kPost));
    side = alive.accept();
    REQUIRE(side.read_past("\r\n\r\nabc").starts_with("POST / "));
    REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
    REQUIRE(client.read_message().ends_with("ok"));
  }
  CHECK(dead.cell().connect_failures.read() > 0);
  CHECK(dead.cell().connect_failures.read() == rig.counts().retried.read());
  CHECK(dead.cell().leases.read() == 0);
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("retry: when no target takes connections the request waits for a table that helps") {
  FakeApp dead;
  FakeApp replacement;
  dead.close();
  ProxyRig rig({dead.endpoint()});
  auto rings = rig.rings();
  Peer client = rig.connect();
  REQUIRE(client.send(kPost));
  REQUIRE(eventually([&] { return rig.counts().held.read() == 1; }));
  CHECK(rig.rings() > rings);
  rig.web.targets = {replacement.endpoint()};
  rig.publish();
  Peer side = replacement.accept();
  REQUIRE(side.read_past("\r\n\r\nabc").starts_with("POST / "));
  REQUIRE(side.send(ok("ok")));
  CHECK(client.read_message().ends_with("ok"));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("retry: without hold, targets that refuse give 502") {
  FakeApp dead;
  dead.close();
  ProxyRig rig({dead.endpoint()});
  rig.web.hold = 0s;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("X-Gv-Error: upstream-refused\r\n") != std::string::npos);
  CHECK(dead.cell().connect_failures.read() == 2);
  CHECK(rig.counts().failed.read() == 1);
}

TEST_CASE("retry: an idle connection that the app closes is not used again") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  pooled_connection(client, app).close();
  REQUIRE(client.send(get("/second")));
  Peer side = app.accept();
  CHECK(side.read_past("\r\n\r\n").starts_with("GET /second "));
  REQUIRE(side.send(ok("second")));
  CHECK(client.read_message().ends_with("second"));
}

TEST_CASE("retry: bytes on an idle connection are no response, and close it") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  Peer side = pooled_connection(client, app);
  REQUIRE(side.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"));
  CHECK(side.read_to_end().empty());
  REQUIRE(client.send(get("/second")));
  side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("second")));
  CHECK(client.read_message().ends_with("second"));
}

TEST_CASE("retry: a reused connection that ends without a byte is replaced once for an idempotent request") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  for (bool with_reset : {true, false}) {
    Peer client = rig.connect();
    Peer side = pooled_connection(client, app);
    REQUIRE(client.send("PUT /second HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
    REQUIRE(!side.read_past("\r\n\r\nabc").empty());
    if (with_reset) {
      side.reset();
    } else {
      side.close();
    }
    side = app.accept();
    CHECK(side.read_past("\r\n\r\nabc").starts_with("PUT /second "));
    REQUIRE(side.send(ok("again", "Connection: close\r\n")));
    CHECK(client.read_message().ends_with("again"));
  }
  CHECK(app.cell().retried.read() == 2);
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("retry: a fresh connection without a byte is tried once more, then 502") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  for (int i = 0; i < 2; ++i) {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    side.close();
  }
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("X-Gv-Error: upstream-closed\r\n") != std::string::npos);
  CHECK(app.quiet());
}

TEST_CASE("retry: a POST gets a fresh connection, and is never sent twice") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  Peer pooled = pooled_connection(client, app);
  REQUIRE(client.send(kPost));
  Peer fresh = app.accept();
  REQUIRE(fresh.read_past("\r\n\r\nabc").starts_with("POST / "));
  CHECK(pooled.quiet());
  fresh.close();
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
  CHECK(app.quiet());
  CHECK(rig.counts().retried.read() == 0);
}

TEST_CASE("pool: the connection of a POST is kept for others only where none is idle") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(kPost));
  Peer first = app.accept();
  REQUIRE(first.read_past("\r\n\r\nabc").starts_with("POST / "));
  REQUIRE(first.send(ok("one")));
  REQUIRE(client.read_message().ends_with("one"));
  REQUIRE(client.send(kPost));
  Peer second = app.accept();
  REQUIRE(second.read_past("\r\n\r\nabc").starts_with("POST / "));
  REQUIRE(second.send(ok("two")));
  REQUIRE(client.read_message().ends_with("two"));
  CHECK(second.read_to_end().empty());
  CHECK(second.end() == End::finished);
  REQUIRE(client.send(get("/three")));
  CHECK(first.read_past("\r\n\r\n").starts_with("GET /three "));
  REQUIRE(first.send(ok("three")));
  CHECK(client.read_message().ends_with("three"));
}

TEST_CASE("retry: reuse = always sends a POST on a pooled connection, reuse = never closes each") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.reuse = config::ProxyOptions::Reuse::always;
  rig.publish();
  Peer client = rig.connect();
  Peer side = pooled_connection(client, app);
  REQUIRE(client.send(kPost));
  CHECK(side.read_past("\r\n\r\nabc").starts_with("POST / "));
  REQUIRE(side.send(ok("ok")));
  REQUIRE(client.read_message().ends_with("ok"));
  side.close();
  rig.options.reuse = config::ProxyOptions::Reuse::never;
  rig.publish();
  REQUIRE(client.send(get("/")));
  side = app.accept();
  CHECK(side.read_past("\r\n\r\n").find("Connection: close\r\n") != std::string::npos);
  REQUIRE(side.send(ok("ok")));
  REQUIRE(client.read_message().ends_with("ok"));
  CHECK(side.read_to_end().empty());
}

TEST_CASE("retry: a body that is too long to be held is not replayed") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  constexpr std::size_t kSize = 200000;
  REQUIRE(client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n"));
  Peer side = app.accept();
  REQUIRE(client.send(std::string(kSize, 'x')));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.read_exactly(kSize).size() == kSize);
  side.close();
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
  CHECK(app.quiet());
}

TEST_CASE("retry: on a Unix socket a POST that the kernel proves unread is sent again, if reuse allows it") {
  TempFolder folder;
  FakeApp app(base::GenerationId(1), *base::Address::unix_path((folder / "app.sock").string()));
  ProxyRig rig({app.endpoint()});
  rig.options.reuse = config::ProxyOptions::Reuse::always;
  rig.publish();
  Peer client = rig.connect();
  Peer side = pooled_connection(client, app);
  REQUIRE(client.send(kPost));
  REQUIRE(eventually([&] { return !side.quiet(); }));
  side.close();  // with our bytes unread: a reset
  Peer again = app.accept();
  CHECK(again.read_past("\r\n\r\nabc").starts_with("POST / "));
  REQUIRE(again.send(ok("ok")));
  CHECK(client.read_message().ends_with("ok"));
  // Read, and then closed: the app may have acted.
  REQUIRE(client.send(kPost));
  REQUIRE(!again.read_past("\r\n\r\nabc").empty());
  again.close();
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
  CHECK(app.quiet());
}

TEST_CASE("retry: a connect that hangs is given up after connect_timeout") {
  // A listener whose backlog is full: the kernel answers no further SYN.
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  base::Address any = base::Address::tcp_loopback(base::Port(0));
  REQUIRE(::bind(socket.get(), any.get(), any.length()) == 0);
  REQUIRE(::listen(socket.get(), 0) == 0);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &length) == 0);
  auto address = base::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), length);
  Peer filler = Peer::connect(address);
  auto stuck = std::make_shared<routing::Endpoint>(
      routing::Identity{base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)}, address,
      1);
  ProxyRig rig({stuck});
  rig.options.request_buffer = 0;
  rig.publish();
  rig.options.connect_timeout = 30ms;
  rig.web.hold = 0s;
  rig.publish();
  Peer client = rig.connect();
  // Its body goes on to come while the connection hangs.
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab"));
  REQUIRE(client.send("cd"));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(answer.find("X-Gv-Error: upstream-refused\r\n") != std::string::npos);
  CHECK(stuck->ledger.sum(&routing::LedgerCell::connect_failures) == 2);
}

}  // namespace
}  // namespace gracevisor::test
