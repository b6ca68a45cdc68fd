// When the places for clients become scarce: who goes, and who is refused.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proxy/client_counts.h"
#include "support/core_rig.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPlaces = 8;
// Answered by the proxy itself.
const std::string kOptions = "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";

std::string from(const std::string& address) {
  const std::string family = address.find(':') == std::string::npos ? "TCP4" : "TCP6";
  const std::string to = family == "TCP4" ? "192.0.2.99" : "2001:db8::99";
  return "PROXY " + family + " " + address + " " + to + " 1 2\r\n";
}

// A rig with few places.
struct Scene {
  CoreRig rig{{.places = kPlaces}};

  RawEnd& connect(const std::string& first = "") {
    rig.pass(1ms);
    RawEnd& client = rig.connect();
    client.send(first + kOptions);
    rig.settle();
    return client;
  }
  // A request that its app does not answer.
  RawEnd& connect_busy(const std::string& first = "") {
    rig.pass(1ms);
    RawEnd& client = rig.connect();
    client.send(first + get("/"));
    rig.settle();
    return client;
  }
  bool answers(RawEnd& client) {
    rig.pass(1ms);
    (void)client.take();
    client.send(kOptions);
    rig.settle();
    return client.take().starts_with("HTTP/1.1 ") && client.end() == End::open;
  }
  void through_a_balancer() {
    rig.listener.proxy_protocol = true;
    rig.publish();
  }
};

bool refused(RawEnd& client) {
  return client.received().find("X-Gv-Error: too-many-connections") != std::string::npos;
}

}  // namespace

TEST_CASE("crowd: when every place is taken the connection that has been idle longest goes") {
  Scene scene;
  std::vector<RawEnd*> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) clients.push_back(&scene.connect());
  CHECK(scene.answers(*clients[0]));  // so that the second is the oldest now
  RawEnd& next = scene.connect();
  CHECK(next.received().starts_with("HTTP/1.1 "));
  CHECK_FALSE(refused(next));
  CHECK(clients[1]->end() == End::finished);
  RawEnd& further = scene.connect();
  CHECK_FALSE(refused(further));
  CHECK(clients[2]->end() == End::finished);
  CHECK(scene.answers(*clients[0]));
  for (std::size_t i = 3; i < kPlaces; ++i) CHECK(scene.answers(*clients[i]));
  CHECK(scene.rig.finish() == "");
}

TEST_CASE("crowd: a connection that has not asked yet is idle too") {
  Scene scene;
  std::vector<RawEnd*> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    scene.rig.pass(1ms);
    clients.push_back(&scene.rig.connect());
    scene.rig.settle();
  }
  CHECK_FALSE(refused(scene.connect()));
  CHECK(clients[0]->end() == End::finished);
  CHECK(clients[1]->end() == End::open);
}

TEST_CASE("crowd: nobody is closed under a request that has come and was not read yet") {
  Scene scene;
  std::vector<RawEnd*> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) clients.push_back(&scene.connect());
  // The proxy hears of the new connection first, and of the requests only then.
  (void)clients[0]->take();
  (void)clients[2]->take();
  RawEnd& next = scene.rig.connect();
  next.send(kOptions);
  clients[0]->send(kOptions);
  clients[2]->send(kOptions);
  scene.rig.settle();
  CHECK_FALSE(refused(next));
  CHECK(clients[0]->received().starts_with("HTTP/1.1 "));
  CHECK(clients[1]->end() == End::finished);
  // A place is kept by whoever began to ask, and there is none for more.
  for (std::size_t i = 3; i < kPlaces; ++i) clients[i]->send("OPTIONS");
  RawEnd& second = scene.rig.connect();
  second.send(kOptions);
  clients[0]->send("OPTIONS");
  next.send("OPTIONS");
  clients[2]->send("OPTIONS");
  scene.rig.settle();
  CHECK(refused(second));
  for (std::size_t i = 2; i < kPlaces; ++i) CHECK(clients[i]->end() == End::open);
  CHECK(scene.rig.finish() == "");
}

TEST_CASE("crowd: of a client that has too many the one goes that asks nothing") {
  Scene scene;
  scene.rig.listener.max_connections_per_client = 2;
  scene.rig.publish();
  RawEnd& first = scene.connect();
  RawEnd& second = scene.connect();
  scene.rig.pass(1ms);
  (void)first.take();
  RawEnd& third = scene.rig.connect();
  third.send(kOptions);
  first.send(kOptions);
  scene.rig.settle();
  CHECK_FALSE(refused(third));
  CHECK(first.received().starts_with("HTTP/1.1 "));
  CHECK(second.end() == End::finished);
  CHECK(scene.rig.finish() == "");
}

TEST_CASE("crowd: while none is idle there is no place for another") {
  Scene scene;
  for (std::size_t i = 0; i < kPlaces; ++i) (void)scene.connect_busy();
  CHECK(refused(scene.connect()));
}

TEST_CASE("crowd: while places are scarce a client keeps a quarter of them") {
  Scene scene;
  scene.through_a_balancer();
  std::vector<RawEnd*> greedy;
  for (std::size_t i = 0; i < 5; ++i) greedy.push_back(&scene.connect(from("192.0.2.1")));
  for (RawEnd* each : greedy) CHECK(each->end() == End::open);  // there was room
  RawEnd& other = scene.connect(from("192.0.2.2"));             // now there is not
  RawEnd& more = scene.connect(from("192.0.2.1"));
  CHECK_FALSE(refused(more));
  for (std::size_t i = 0; i < 2; ++i) CHECK(greedy[i]->end() == End::finished);
  for (std::size_t i = 2; i < 5; ++i) CHECK(scene.answers(*greedy[i]));  // there is room again
  CHECK(scene.answers(more));
  CHECK(scene.answers(other));
}

TEST_CASE("crowd: a client whose quarter is at work is refused and others are not") {
  Scene scene;
  scene.through_a_balancer();
  for (std::size_t i = 0; i < 5; ++i) (void)scene.connect_busy(from("192.0.2.1"));
  RawEnd& other = scene.connect(from("192.0.2.2"));
  CHECK_FALSE(refused(other));
  CHECK(refused(scene.connect(from("192.0.2.1"))));
  CHECK(scene.answers(other));
}

TEST_CASE("crowd: one that was refused gives its place to the next") {
  Scene scene;
  scene.through_a_balancer();
  for (std::size_t i = 0; i < 5; ++i) (void)scene.connect_busy(from("192.0.2.1"));
  (void)scene.connect_busy(from("192.0.2.2"));
  // They do not read what they were told, and stay.
  std::vector<RawEnd*> refusals;
  for (std::size_t i = 0; i < 2 * kPlaces; ++i) refusals.push_back(&scene.connect(from("192.0.2.1")));
  for (RawEnd* each : refusals) CHECK(refused(*each));
  CHECK_FALSE(refused(scene.connect(from("192.0.2.3"))));
  CHECK(scene.rig.finish() == "");
}

TEST_CASE("crowd: one that was refused goes before one that is idle") {
  Scene scene;
  std::vector<RawEnd*> idle;
  for (std::size_t i = 0; i + 2 < kPlaces; ++i) idle.push_back(&scene.connect());
  scene.rig.pass(1ms);
  RawEnd& nonsense = scene.rig.connect();
  nonsense.send("nonsense\r\n\r\n");
  scene.rig.settle();
  CHECK(nonsense.received().starts_with("HTTP/1.1 400 "));
  for (int i = 0; i < 2; ++i) CHECK_FALSE(refused(scene.connect()));
  for (RawEnd* each : idle) CHECK(scene.answers(*each));
}

TEST_CASE("crowd: connections that do not say whose they are make room") {
  Scene scene;
  scene.through_a_balancer();
  for (std::size_t i = 0; i < 2 * kPlaces; ++i) {
    scene.rig.pass(1ms);
    (void)scene.rig.connect();
    scene.rig.settle();
  }
  CHECK_FALSE(refused(scene.connect(from("192.0.2.1"))));
}

TEST_CASE("crowd: the addresses of one IPv6 network count as one client") {
  Scene scene;
  scene.through_a_balancer();
  for (std::size_t i = 1; i <= 5; ++i) (void)scene.connect_busy(from("2001:db8::" + std::to_string(i)));
  CHECK_FALSE(refused(scene.connect(from("2001:db8:0:1::1"))));
  CHECK(refused(scene.connect(from("2001:db8::7"))));
}

TEST_CASE("crowd: a trusted proxy and the loopback are many clients") {
  Scene scene;
  SUBCASE("loopback") {
    for (std::size_t i = 0; i + 1 < kPlaces; ++i) (void)scene.connect_busy();
    CHECK_FALSE(refused(scene.connect()));
  }
  SUBCASE("trusted") {
    scene.rig.listener.trusted_proxies = {{*base::Address::parse("192.0.2.0:0"), 24}};
    scene.through_a_balancer();
    for (std::size_t i = 0; i + 1 < kPlaces; ++i) (void)scene.connect_busy(from("192.0.2.1"));
    CHECK_FALSE(refused(scene.connect(from("192.0.2.1"))));
  }
}

TEST_CASE("crowd: once there is room again nobody is counted") {
  Scene scene;
  scene.through_a_balancer();
  std::vector<RawEnd*> clients;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    clients.push_back(&scene.connect(from("192.0.2." + std::to_string(i + 1))));
  }
  for (std::size_t i = 0; i < 5; ++i) clients[i]->close();
  scene.rig.settle();
  RawEnd& one = scene.connect(from("192.0.2.8"));
  RawEnd& two = scene.connect(from("192.0.2.8"));
  CHECK(scene.answers(one));
  CHECK(scene.answers(two));
  for (std::size_t i = 5; i < kPlaces; ++i) CHECK(scene.answers(*clients[i]));
  CHECK(scene.rig.finish() == "");
}

TEST_CASE("crowd: clients are told apart by IPv4 address and by IPv6 network") {
  auto key = [](const char* text) { return proxy::client_key(*base::Address::parse(text)); };
  CHECK(key("192.0.2.1:1") == key("192.0.2.1:2"));
  CHECK(key("192.0.2.1:1") != key("192.0.2.2:1"));
  CHECK(key("[::ffff:192.0.2.1]:1") == key("192.0.2.1:1"));
  CHECK(key("[2001:db8::1]:1") == key("[2001:db8::2]:1"));
  CHECK(key("[2001:db8::1]:1") != key("[2001:db8:0:1::1]:1"));
  CHECK_FALSE(static_cast<bool>(proxy::client_key(*base::Address::unix_path("/run/x.sock"))));
  auto loopback = [](const char* text) {
    return proxy::is_loopback(proxy::client_key(*base::Address::parse(text)));
  };
  CHECK(loopback("127.3.2.1:1"));
  CHECK(loopback("[::1]:1"));
  CHECK(loopback("[::ffff:127.0.0.1]:1"));
  CHECK_FALSE(loopback("128.0.0.1:1"));
  CHECK_FALSE(loopback("[::2]:1"));
}

}  // namespace gracevisor::test
