// The route table as a function of values.
#include "supervise/table.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gracevisor::supervise {
namespace {

using namespace std::chrono_literals;
using decide::InstanceState;
using routing::AppMode;

routing::EndpointRef endpoint(std::uint64_t generation, std::uint32_t slot) {
  const routing::Identity who{base::AppId(1), base::GenerationId(generation), base::Slot(slot),
                              base::Incarnation(1)};
  return std::make_shared<const routing::Endpoint>(who, base::Address::tcp_loopback(base::Port(20'000)), 1);
}

// What an app needs to be in the input, and what may be varied.
struct Given {
  std::shared_ptr<spec::Spec> spec = std::make_shared<spec::Spec>();
  TableApp app;

  explicit Given(std::uint32_t id = 1, const std::string& name = "web") {
    spec->app.name = name;
    app.id = base::AppId(id);
    app.name = name;
    app.mode = AppMode::live;
    app.config = &spec->app;
    app.generation = base::GenerationId(7);
    app.live = spec;
    app.ledger = std::make_shared<routing::AppLedger>(1);
  }
  [[nodiscard]] std::unique_ptr<routing::RouteTable> table() const { return build_table({.apps = {app}}); }
};

// "7.1 7.2 | 6.1!": targets, leaving ones, "!" those that are closing.
std::string shown(const routing::RouteTable& table) {
  std::string text;
  const auto& [targets, leaving] = std::pair(table.apps.at(0).targets, table.apps.at(0).leaving);
  for (const auto& target : targets) text += routing::instance_name(target->identity) + " ";
  text += "|";
  for (const auto& one : leaving) {
    text += " " + routing::instance_name(one.endpoint->identity) + (one.closing ? "!" : "");
  }
  return text;
}

TEST_CASE("table: healthy endpoints are targets while the app serves, others leave while they are in use") {
  struct Case {
    const char* what;
    AppMode mode;
    std::vector<TableEndpoint> endpoints;
    const char* expected;
  };
  const routing::EndpointRef old = endpoint(6, 1);
  const routing::EndpointRef first = endpoint(7, 1);
  const routing::EndpointRef second = endpoint(7, 2);
  const std::vector<Case> cases = {
      {"nothing runs", AppMode::stopped, {}, "|"},
      {"not listed yet", AppMode::hold, {{first}}, "|"},
      {"healthy for the first time", AppMode::live, {{first, true}, {second, true}}, "7.1 7.2 |"},
      {"a target goes on, though it is in use", AppMode::live, {{first, true, true}}, "7.1 |"},
      {"one is unhealthy", AppMode::live, {{first, false, true}, {second, true, true}}, "7.2 | 7.1"},
      {"cutover", AppMode::live, {{old, false, true}, {first, true}, {second, true}}, "7.1 7.2 | 6.1"},
      {"the drain is over", AppMode::live, {{old, false, true, true}, {first, true, true}}, "7.1 | 6.1!"},
      {"nobody touches the old one", AppMode::live, {{old, false, false, true}, {first, true}}, "7.1 |"},
      {"closing again a target", AppMode::live, {{first, true, true, true}}, "7.1 |"},
      {"the app stops", AppMode::stopped, {{first, true, true}, {second, true}}, "| 7.1"},
      {"between two incarnations", AppMode::hold, {{first, false, true}}, "| 7.1"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Given given;
    given.app.mode = one.mode;
    given.app.endpoints = one.endpoints;
    auto table = given.table();
    CHECK(table->apps.at(0).mode == one.mode);
    CHECK(shown(*table) == one.expected);
  }
}

TEST_CASE("table: an app's routes are what its clients see of its configuration") {
  Given given;
  given.spec->app.protocol = config::Protocol::tcp;
  given.spec->app.deploy.hold = base::Millis(1234);
  given.spec->app.deploy.drain_timeout = base::Millis(5678);
  given.spec->app.log.access = "/var/log/web.access";
  given.app.window = 3;
  const spawn::Credentials user;
  given.app.user = &user;
  auto table = given.table();
  const routing::AppRoutes& routes = table->apps.at(0);
  CHECK(routes.id == base::AppId(1));
  CHECK(routes.name == "web");
  CHECK(routes.generation == base::GenerationId(7));
  CHECK(routes.protocol == config::Protocol::tcp);
  CHECK(routes.hold == 1234ms);
  CHECK(routes.drain_window == 5678ms);
  CHECK(routes.ledger == given.app.ledger);
  CHECK(routes.window == 3);
  REQUIRE(routes.access);
  CHECK(routes.access->path == "/var/log/web.access");
  CHECK(routes.access->user == &user);
}

TEST_CASE("table: options are shared with the live spec, and copied from what only the files say") {
  Given given;
  given.spec->app.proxy_options.send_timeout = base::Millis(4321);
  CHECK(given.table()->apps.at(0).options.get() == &given.spec->app.proxy_options);
  given.app.live = nullptr;
  auto table = given.table();
  given.spec->app.proxy_options.send_timeout = base::Millis(1);
  CHECK(table->apps.at(0).options->send_timeout == 4321ms);
}

TEST_CASE("table: an app without endpoint has no routes") {
  Given given;
  given.spec->app.endpoint = config::EndpointKind::none;
  auto table = given.table();
  CHECK(table->apps.empty());
  CHECK(table->probes.empty());
}

TEST_CASE("table: a probe order says whether the instance starts, and which host it asks for") {
  struct Case {
    std::optional<std::string> host;
    std::vector<std::string> routes;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {std::nullopt, {}, "localhost"},
      {std::nullopt, {"", "*.example.com"}, "localhost"},
      {std::nullopt, {"*.example.com", "a.example.com", "b.example.com"}, "a.example.com"},
      {"health.internal", {"a.example.com"}, "health.internal"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.expected);
    Given given;
    given.spec->app.health.host = one.host;
    for (const std::string& host : one.routes) given.spec->app.routes.emplace_back().host = host;
    routing::ProbeOrder order;
    order.endpoint = endpoint(7, 1);
    order.serial = 5;
    order.interval = 250ms;
    given.app.probes = {{order, InstanceState::starting, given.spec},
                        {order, InstanceState::healthy, given.spec}};
    auto table = given.table();
    REQUIRE(table->probes.size() == 2);
    CHECK(table->probes[0].starting);
    CHECK_FALSE(table->probes[1].starting);
    for (const routing::ProbeOrder& probe : table->probes) {
      CHECK(probe.host == one.expected);
      CHECK(probe.endpoint == order.endpoint);
      CHECK(probe.serial == 5);
      CHECK(probe.interval == 250ms);
    }
  }
}

TEST_CASE("table: a candidate is probed by its own spec while the live one serves") {
  Given given;
  auto candidate = std::make_shared<spec::Spec>();
  candidate->app.health.host = "new.example.com";
  given.app.endpoints = {{endpoint(7, 1), true, true}, {endpoint(8, 1)}};
  routing::ProbeOrder order;
  order.endpoint = given.app.endpoints[1].endpoint;
  given.app.probes = {{order, InstanceState::starting, candidate}};
  auto table = given.table();
  CHECK(shown(*table) == "7.1 |");
  CHECK(table->probes.at(0).host == "new.example.com");
}

TEST_CASE("table: two apps that share a listener are both listed, in the order of their ids") {
  const Given web(1, "web");
  const Given api(2, "api");
  auto index = std::make_shared<const routing::HostIndex>(
      std::vector<routing::HostIndex::Entry>{{"", "/", base::AppId(1)}, {"", "/api", base::AppId(2)}},
      std::nullopt);
  routing::ListenerRoutes listener;
  listener.index = index;
  auto table = build_table({.apps = {web.app, api.app}, .listeners = {listener}});
  REQUIRE(table->apps.size() == 2);
  CHECK(table->apps[0].name == "web");
  CHECK(table->apps[1].name == "api");
  REQUIRE(table->listeners.size() == 1);
  auto match = table->listeners[0].index->find("any.example.com", "/api/users");
  REQUIRE(match);
  CHECK(table->find(match->app)->name == "api");
}

TEST_CASE("table: the daemon's shutdown and each worker's room are passed on") {
  auto table = build_table({.closing = true, .room = {.clients = 9, .turned_away = 2, .pipes = 1}});
  CHECK(table->closing);
  CHECK(table->room.clients == 9);
  CHECK(table->room.turned_away == 2);
  CHECK(table->room.pipes == 1);
  CHECK(table->epoch == base::Epoch());
}

}  // namespace
}  // namespace gracevisor::supervise
