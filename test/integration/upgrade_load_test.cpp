// Clients that go on without a pause while daemons follow each other: none of them fails or is closed.
#include <doctest/doctest.h>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{30};

void await_more(LoadGenerator& load, std::uint64_t more) {
  const std::uint64_t served = load.so_far().ok;
  REQUIRE(wait_until([&] { return load.so_far().ok >= served + more; }, kPatience));
}

HttpConnection connected(const Site& site, unsigned listener = 0) {
  auto connection = HttpConnection::connect(site.listener(listener), kPatience);
  REQUIRE(connection.has_value());
  return std::move(*connection);
}

std::string body_of(HttpConnection& connection) {
  const auto answer = connection.read_response();
  REQUIRE_MESSAGE(answer.has_value(), answer.error().what);
  CHECK(answer->status == 200);
  CHECK(answer->keep_alive);
  return answer->body;
}

}  // namespace

TEST_CASE(
    "upgrade: busy keep-alive clients live through five, with deploys between, on one connection each") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\ndeploy.guard = \"100ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  constexpr unsigned kClients = 8;
  LoadGenerator load(site.listener(), Request{}, kClients);
  for (int i = 0; i < 5; ++i) {
    await_more(load, 200);
    (void)upgrade_well(daemon);
    await_more(load, 200);
    const CommandResult deploy = daemon.ctl({"deploy", "web"});
    REQUIRE_MESSAGE(deploy.exit_code == 0, describe(deploy) << daemon.log());
  }
  await_more(load, 200);
  const LoadResult result = load.stop();
  MESSAGE(describe(result));
  INFO(daemon.log());
  CHECK(result.failed() == 0);
  CHECK(result.connections == kClients);
  CHECK(daemon.app("web")->generation == 6);
  CHECK(wait_alone(daemon));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: busy clients of an app that takes its time keep their connections") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --reply-delay 40ms\"\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  constexpr unsigned kClients = 16;
  LoadGenerator load(site.listener(), Request{}, kClients);
  for (int i = 0; i < 5; ++i) {
    await_more(load, 32);
    (void)upgrade_well(daemon);
  }
  await_more(load, 32);
  const LoadResult result = load.stop();
  INFO(describe(result) << daemon.log());
  CHECK(result.failed() == 0);
  CHECK(result.connections == kClients);
  CHECK(wait_alone(daemon));
}

TEST_CASE("upgrade: idle connections are handed over, counted, and go on") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  std::vector<HttpConnection> idle;
  constexpr int kIdle = 300;
  for (int i = 0; i < kIdle; ++i) {
    idle.push_back(connected(site));
    // Some have not sent anything yet.
    if (i % 3 == 0) continue;
    REQUIRE(idle.back().get("/pid").has_value());
  }
  for (int i = 0; i < 3; ++i) {
    const Upgraded done = upgrade(daemon, {"--wait"});
    INFO(describe(done) << daemon.log());
    REQUIRE(done.result.exit_code == 0);
    CHECK(done.text("handed") == std::to_string(kIdle) + " idle client connections");
    CHECK(wait_alone(daemon));
    for (HttpConnection& one : idle) CHECK_FALSE(one.closed_by_server());
  }
  int answered = 0;
  for (HttpConnection& one : idle) {
    const auto answer = one.get("/pid");
    if (answer && answer->status == 200) ++answered;
  }
  CHECK(answered == kIdle);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: a request whose head is half sent is answered after it") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  // First on its connection, and after another one.
  HttpConnection first = connected(site);
  HttpConnection second = connected(site);
  REQUIRE(second.get("/pid").has_value());
  const std::string head = "GET /headers HTTP/1.1\r\nHost: localhost\r\nX-Half: one two";
  for (HttpConnection* one : {&first, &second}) REQUIRE(one->send(head).has_value());
  for (int i = 0; i < 2; ++i) {
    (void)upgrade_well(daemon);
    REQUIRE_MESSAGE(wait_alone(daemon), daemon.log());
  }
  for (HttpConnection* one : {&first, &second}) {
    REQUIRE(one->send(" three\r\n\r\n").has_value());
    CHECK(has(body_of(*one), "X-Half: one two three\r\n"));
    REQUIRE(one->get("/pid").has_value());
  }
}

TEST_CASE("upgrade: pipelined requests are each answered once and in order") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  HttpConnection client = connected(site);
  constexpr int kRequests = 12;
  std::string all;
  for (int i = 0; i < kRequests; ++i) {
    all += "GET " + std::string(i % 2 == 0 ? "/slow?ms=250" : "/headers") +
           " HTTP/1.1\r\nHost: localhost\r\nX-Number: " + std::to_string(i) + "\r\n\r\n";
  }
  REQUIRE(client.send(all).has_value());
  REQUIRE(client.receive().has_value());
  (void)upgrade_well(daemon);
  for (int i = 0; i < kRequests; ++i) {
    CAPTURE(i);
    const std::string body = body_of(client);
    CHECK(has(body, i % 2 == 0 ? "slow version" : "X-Number: " + std::to_string(i) + "\r\n"));
  }
  CHECK(client.get("/pid").has_value());
  CHECK_FALSE(client.closed_by_server());
  CHECK(wait_alone(daemon));
}

TEST_CASE("upgrade: a client behind the PROXY protocol keeps the address that it was given") {
  Site site;
  site.configure(
      "[listen.public]\naddress = \"@LISTEN@\"\nproxy_protocol = true\n"
      "trusted_proxies = [\"127.0.0.1\"]\n" +
      named_app("web", "public"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::string preface = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n";
  const std::string request = "GET /headers HTTP/1.1\r\nHost: localhost\r\n\r\n";
  HttpConnection idle = connected(site);
  REQUIRE(idle.send(preface + request).has_value());
  REQUIRE(has(body_of(idle), "192.0.2.7"));
  HttpConnection prefaced = connected(site);
  REQUIRE(prefaced.send(preface).has_value());
  HttpConnection half = connected(site);
  REQUIRE(half.send(preface.substr(0, 20)).has_value());
  HttpConnection silent = connected(site);
  for (int i = 0; i < 2; ++i) {
    (void)upgrade_well(daemon);
    REQUIRE_MESSAGE(wait_alone(daemon), daemon.log());
  }
  REQUIRE(half.send(preface.substr(20)).has_value());
  REQUIRE(silent.send(preface).has_value());
  for (HttpConnection* one : {&idle, &prefaced, &half, &silent}) {
    REQUIRE(one->send(request).has_value());
    CHECK(has(body_of(*one), "192.0.2.7"));
  }
}
