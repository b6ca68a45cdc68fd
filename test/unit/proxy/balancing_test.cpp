// Several instances behind a real worker: who gets a request, and who is left out.
#include <array>
#include <map>

#include "passing.h"

namespace gracevisor::test {
namespace {

using Balance = config::ProxyOptions::Balance;
using namespace std::chrono_literals;

FakeApp in_slot(unsigned slot) {
  return FakeApp(base::GenerationId(1), base::Address::tcp_loopback(base::Port(0)), base::Slot(slot));
}

struct Three {
  std::array<FakeApp, 3> apps{in_slot(1), in_slot(2), in_slot(3)};
  ProxyRig rig{{apps[0].endpoint(), apps[1].endpoint(), apps[2].endpoint()}};

  // Which of them gets the request.
  std::size_t served_by(const std::string& request) {
    Peer client = rig.connect();
    REQUIRE(client.send(request));
    std::size_t who = apps.size();
    REQUIRE(eventually([&] {
      for (std::size_t i = 0; i < apps.size(); ++i) {
        if (apps.at(i).quiet()) continue;
        who = i;
        return true;
      }
      return false;
    }));
    Peer side = apps.at(who).accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
    REQUIRE(client.read_message().ends_with("ok"));
    return who;
  }
};

TEST_CASE("balancing: a header's value keeps its instance, over connections and tables") {
  Three three;
  three.rig.options.balance = Balance::hash_header;
  three.rig.options.balance_key = "X-Tenant";
  three.rig.publish();
  std::map<std::string, std::size_t> homes;
  std::array<int, 3> shares{};
  for (int i = 0; i < 30; ++i) {
    std::string tenant = "t" + std::to_string(i);
    homes[tenant] = three.served_by(get("/", "x-tenant: " + tenant + "\r\n"));
    ++shares.at(homes[tenant]);
  }
  for (int share : shares) CHECK(share > 0);
  std::swap(three.rig.web.targets[0], three.rig.web.targets[2]);
  three.rig.publish();
  for (const auto& [tenant, home] : homes) {
    CAPTURE(tenant);
    CHECK(three.served_by(get("/", "X-Tenant: " + tenant + "\r\n")) == home);
  }
  // Without the second one only its tenants move.
  three.rig.web.targets.erase(three.rig.web.targets.begin() + 1);
  three.rig.publish();
  for (const auto& [tenant, home] : homes) {
    std::size_t now = three.served_by(get("/", "X-Tenant: " + tenant + "\r\n"));
    CHECK(now != 1);
    if (home != 1) CHECK(now == home);
  }
}

TEST_CASE("balancing: a cookie keeps its instance, in whichever Cookie line it comes") {
  Three three;
  three.rig.options.balance = Balance::hash_cookie;
  three.rig.options.balance_key = "sid";
  three.rig.publish();
  for (int i = 0; i < 10; ++i) {
    std::string cookie = "sid=s" + std::to_string(i);
    std::size_t home = three.served_by(get("/", "Cookie: " + cookie + "\r\n"));
    CHECK(three.served_by(get("/", "Cookie: a=1; " + cookie + "; b=" + std::to_string(i) + "\r\n")) == home);
    CHECK(three.served_by(get("/", "Cookie: a=1\r\nCookie: " + cookie + "\r\n")) == home);
  }
}

TEST_CASE("balancing: a client's address keeps its instance, nobody's else") {
  Three three;
  three.rig.options.balance = Balance::hash_client;
  three.rig.publish();
  std::size_t home = three.served_by(get("/"));
  for (int i = 0; i < 10; ++i) CHECK(three.served_by(get("/" + std::to_string(i))) == home);
  // Told by a load balancer, each client has its own.
  three.rig.listener.proxy_protocol = true;
  three.rig.publish();
  std::array<int, 3> shares{};
  for (int i = 1; i <= 30; ++i) {
    std::string from = "PROXY TCP4 10.0.0." + std::to_string(i) + " 10.0.0.99 1 2\r\n";
    ++shares.at(three.served_by(from + get("/")));
  }
  for (int share : shares) CHECK(share > 0);
}

TEST_CASE("balancing: a request that has nothing to be told by is served by any") {
  Three three;
  three.rig.options.balance = Balance::hash_cookie;
  three.rig.options.balance_key = "sid";
  three.rig.publish();
  std::array<int, 3> shares{};
  for (int i = 0; i < 40; ++i) ++shares.at(three.served_by(get("/", "Cookie: other=1\r\n")));
  for (int share : shares) CHECK(share > 0);
}

TEST_CASE("balancing: a request whose instance refuses goes to another, with its hash too") {
  Three three;
  three.rig.options.balance = Balance::hash_header;
  three.rig.options.balance_key = "X-Tenant";
  three.rig.publish();
  std::size_t home = three.served_by(get("/", "X-Tenant: a\r\n"));
  three.apps.at(home).close();
  Peer client = three.rig.connect();
  REQUIRE(client.send(get("/", "X-Tenant: a\r\n")));
  Peer side = three.apps.at((home + 1) % 3).accept();
  CHECK(!side.read_past("\r\n\r\n").empty());
  CHECK(three.apps.at(home).cell().connect_failures.read() == 1);
}

TEST_CASE("ejection: an instance that refuses connections is left out after three failures") {
  FakeApp dead = in_slot(1);
  FakeApp alive = in_slot(2);
  dead.close();
  ProxyRig rig({dead.endpoint(), alive.endpoint()});
  rig.options.balance = Balance::round_robin;
  rig.publish();
  for (int i = 0; i < 20; ++i) CHECK(pass(rig, alive, get("/")).response.ends_with("ok"));
  CHECK(dead.cell().connect_failures.read() == 3);
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("ejection: an instance that ends fresh connections without a word is left out as well") {
  FakeApp mute = in_slot(1);
  FakeApp alive = in_slot(2);
  ProxyRig rig({mute.endpoint(), alive.endpoint()});
  rig.options.balance = Balance::round_robin;
  rig.publish();
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
  for (int i = 0; i < 3; ++i) {
    Peer client = rig.connect();
    REQUIRE(client.send(post));
    Peer side = mute.accept();
    REQUIRE(side.read_past("\r\n\r\nx").ends_with("x"));
    side.close();
    CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
    CHECK(pass(rig, alive, post).response.ends_with("ok"));
  }
  for (int i = 0; i < 4; ++i) CHECK(pass(rig, alive, post).response.ends_with("ok"));
  CHECK(mute.quiet());
}

TEST_CASE("ejection: what an app answers, 500 too, ejects nobody") {
  FakeApp one = in_slot(1);
  FakeApp two = in_slot(2);
  ProxyRig rig({one.endpoint(), two.endpoint()});
  rig.options.balance = Balance::round_robin;
  rig.publish();
  const std::string broken =
      "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  for (int i = 0; i < 5; ++i) {
    CHECK(pass(rig, one, get("/"), broken).response.starts_with("HTTP/1.1 500 "));
    CHECK(pass(rig, two, get("/")).response.ends_with("ok"));
  }
}

TEST_CASE("ejection: the last instance is never left out, nor are all of them") {
  FakeApp first = in_slot(1);
  FakeApp second = in_slot(2);
  first.close();
  second.close();
  ProxyRig rig({first.endpoint()});
  rig.web.hold = 0s;
  rig.publish();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    CHECK(answer_to(rig, get("/")).starts_with("HTTP/1.1 502 "));
    CHECK(first.cell().connect_failures.read() == 2 * i);
  }
  rig.web.targets.push_back(second.endpoint());
  rig.publish();
  for (int i = 0; i < 5; ++i) CHECK(answer_to(rig, get("/")).starts_with("HTTP/1.1 502 "));
  CHECK(second.cell().connect_failures.read() >= 5);
  CHECK(first.cell().connect_failures.read() >= 15);
}

}  // namespace
}  // namespace gracevisor::test
