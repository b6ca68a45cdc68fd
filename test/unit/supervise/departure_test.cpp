// What a superseded daemon still serves, and what its successor knows of that, with workers that the test
// plays.
#include "supervise/departure.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "supervise/predecessor.h"
#include "support/run_until.h"

namespace gracevisor::supervise {
namespace {

using routing::AppMode;
using succession::InstanceName;
using succession::Routes;

constexpr base::AppId kWeb{3};

routing::EndpointRef endpoint(std::uint32_t slot, unsigned port, std::uint64_t generation = 42) {
  const routing::Identity who{kWeb, base::GenerationId(generation), base::Slot(slot), base::Incarnation(1)};
  return std::make_shared<const routing::Endpoint>(
      who, base::Address::tcp_loopback(base::Port(static_cast<std::uint16_t>(port))), 1);
}

InstanceName name(std::uint64_t slot, std::uint64_t generation = 42) {
  return {"web", generation, slot, 1};
}

// A daemon with one worker and one app on one listener.
struct Fixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  routing::WorkerPort port;
  Publisher publisher{{{&port, [] {}}}};
  std::shared_ptr<routing::ListenerSockets> sockets = std::make_shared<routing::ListenerSockets>(
      *base::Address::parse("127.0.0.1:80"), std::vector<base::UniqueFd>(), 1);
  routing::EndpointRef first = endpoint(1, 21001);
  routing::EndpointRef second = endpoint(2, 21002);
  int changes = 0;
  std::unique_ptr<Departure> departure;

  Fixture() {
    auto table = std::make_unique<routing::RouteTable>();
    table->listeners.push_back(
        {.sockets = sockets, .index = nullptr, .config = std::make_shared<const config::Listener>()});
    routing::AppRoutes app;
    app.id = kWeb;
    app.name = "web";
    app.mode = AppMode::live;
    app.targets = {first, second};
    app.drain_window = base::Millis(20);
    app.access = routing::access_sink("/var/log/web", {});
    table->apps.push_back(std::move(app));
    publisher.publish(std::move(table));
    adopt();
    begin({});
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    departure.reset();
    CHECK(loop->close() == 0);
  }

  void begin(base::Duration drain_timeout) {
    departure.reset();
    departure = std::make_unique<Departure>(*loop, publisher, Departure::Settings{drain_timeout, 1, {&port}},
                                            [this] { ++changes; });
  }
  // The worker takes the newest table.
  const routing::RouteTable& adopt() {
    if (auto letter = port.mailbox.take()) {
      port.adopted.reach(letter->table->epoch);
      port.entered.reach(letter->table->epoch);
      port.oldest_pinned.reach(letter->table->epoch);
    }
    return *publisher.newest();
  }
  routing::LedgerCell& cell(const routing::EndpointRef& of) const {
    return of->ledger.cell(base::WorkerIndex(0));
  }
  void pass_on() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    other_end = base::UniqueFd(ends[1]);
    departure->pass_on(std::make_shared<const succession::ClientChannel>(base::UniqueFd(ends[0])));
  }
  base::UniqueFd other_end;
};

Routes routes(std::uint64_t serial, std::vector<Routes::Target> targets,
              std::vector<Routes::Leaving> leaving = {}) {
  Routes all;
  all.serial = serial;
  all.listeners = {"127.0.0.1:80"};
  all.apps.push_back({"web", targets.empty() ? "hold" : "live", 42, std::move(targets), std::move(leaving)});
  return all;
}

TEST_CASE("departure: until it is told otherwise it serves as before, accepts, and rotates no log") {
  Fixture f;
  const routing::RouteTable& table = f.adopt();
  REQUIRE(table.apps.size() == 1);
  CHECK(table.apps.front().mode == AppMode::live);
  CHECK(table.apps.front().targets == std::vector{f.first, f.second});
  CHECK(table.apps.front().access->max_size == 0);
  CHECK(table.probes.empty());
  CHECK(table.successor == nullptr);
  CHECK_FALSE(table.closing);
  CHECK_FALSE(table.listeners.front().leaving);
  CHECK_FALSE(f.departure->over());
}

TEST_CASE("departure: it follows the successor's routes, the newest only") {
  Fixture f;
  f.departure->follow(routes(2, {{name(2), "127.0.0.1:21002", 0}}, {{name(1), false}}));
  f.departure->follow(routes(1, {}));
  f.cell(f.first).leases.set(1);
  {
    const routing::RouteTable& table = f.adopt();
    const routing::AppRoutes& app = table.apps.front();
    CHECK(app.targets == std::vector{f.second});
    REQUIRE(app.leaving.size() == 1);
    CHECK(app.leaving.front().endpoint == f.first);
    CHECK_FALSE(app.leaving.front().closing);
  }
  succession::InUse use = f.departure->in_use();
  CHECK(use.routes == 2);
  CHECK(use.instances == std::vector{name(1), name(2)});
  // No time is left for it.
  f.departure->follow(routes(3, {{name(2), "127.0.0.1:21002", 0}}, {{name(1), true}}));
  CHECK(f.departure->in_use().routes == 0);  // not adopted yet
  CHECK(f.adopt().apps.front().leaving.front().closing);
  f.cell(f.first).leases.set(0);
  use = f.departure->in_use();
  CHECK(use.routes == 3);
  CHECK(use.instances == std::vector{name(2)});
}

TEST_CASE("departure: an instance that came meanwhile is a target, one without an address is none") {
  Fixture f;
  f.departure->follow(routes(1, {{name(1, 43), "127.0.0.1:21009", 0}, {name(2, 43), "nowhere", 0}}));
  const routing::AppRoutes& app = f.adopt().apps.front();
  REQUIRE(app.targets.size() == 1);
  CHECK(app.targets.front()->identity.generation == base::GenerationId(43));
  CHECK(app.targets.front()->address.text() == "127.0.0.1:21009");
  CHECK(f.departure->in_use().instances == std::vector{name(1, 43)});
}

TEST_CASE("departure: without a target requests wait, and an app or a listener that is gone gets none") {
  Fixture f;
  f.departure->follow(routes(1, {}));
  CHECK(f.adopt().apps.front().mode == AppMode::hold);
  Routes none;
  none.serial = 2;
  f.departure->follow(none);
  const routing::RouteTable& table = f.adopt();
  CHECK(table.apps.front().mode == AppMode::stopped);
  CHECK(table.listeners.front().leaving);
}

TEST_CASE("departure: it is over when no connection is left, whatever was passed on") {
  Fixture f;
  routing::ListenerCell& cell = f.sockets->ledger->cells.front();
  cell.accepted.set(5);
  cell.ended.set(1);
  f.pass_on();
  CHECK(f.departure->counts().handing);  // the worker does not know yet
  CHECK(f.adopt().successor != nullptr);
  f.port.to_hand.set(1);
  CHECK(f.departure->counts().handing);
  f.port.to_hand.set(0);
  f.port.handed.set(3);
  cell.ended.set(4);
  Departure::Counts counts = f.departure->counts();
  CHECK_FALSE(counts.handing);
  CHECK(counts.handed == 3);
  CHECK(counts.connections == 1);
  f.cell(f.first).leases.set(1);
  f.cell(f.first).tunnels.set(1);
  counts = f.departure->counts();
  CHECK(counts.tunnels == 1);
  CHECK(counts.requests == 0);
  CHECK_FALSE(f.departure->over());
  cell.ended.set(5);
  CHECK_FALSE(f.departure->over());
  f.cell(f.first).leases.set(0);
  f.cell(f.first).tunnels.set(0);
  CHECK(f.departure->over());
  f.port.unsent.set(1);
  CHECK_FALSE(f.departure->over());
}

TEST_CASE("departure: told to end, it has no target, and when the drain is over everything is cut") {
  Fixture f;
  f.pass_on();
  (void)f.adopt();
  f.cell(f.first).leases.set(1);
  f.departure->end();
  {
    const routing::RouteTable& table = f.adopt();
    CHECK(table.closing);
    CHECK(table.successor != nullptr);
    CHECK(table.apps.front().targets.empty());
    REQUIRE(table.apps.front().leaving.size() == 2);  // no worker had left them yet
    CHECK_FALSE(table.apps.front().leaving.front().closing);
  }
  REQUIRE(test::run_until(*f.loop, [&] {
    const auto& leaving = f.adopt().apps.front().leaving;
    return leaving.size() == 1 && leaving.front().closing;
  }));
  CHECK(f.changes == 0);
}

TEST_CASE("departure: told twice, it waits for nothing, and a time that is configured ends it as well") {
  Fixture f;
  f.cell(f.first).leases.set(1);
  f.departure->end();
  f.departure->end();
  CHECK(f.adopt().apps.front().leaving.front().closing);

  Fixture g;
  g.begin(base::Millis(10));
  REQUIRE(test::run_until(*g.loop, [&] { return g.adopt().closing; }));
}

struct Told {
  std::vector<Routes> sent;
  bool ready = true;
  Predecessor former{[this](const Routes& routes) {
    if (ready) sent.push_back(routes);
    return ready;
  }};
};

TEST_CASE("predecessor: it is told what changes for it, and again what it could not be told") {
  Fixture f;
  Told told;
  told.former.follow(*f.publisher.newest(), {});
  REQUIRE(told.sent.size() == 1);
  CHECK(told.sent.front().serial == 1);
  CHECK(told.sent.front().listeners == std::vector<std::string>{"127.0.0.1:80"});
  REQUIRE(told.sent.front().apps.size() == 1);
  CHECK(told.sent.front().apps.front().mode == "live");
  CHECK(told.sent.front().apps.front().targets.size() == 2);
  told.former.follow(*f.publisher.newest(), {});
  CHECK(told.sent.size() == 1);
  told.ready = false;
  f.departure->follow(routes(1, {{name(2), "127.0.0.1:21002", 0}}));
  told.former.follow(*f.publisher.newest(), {});
  CHECK(told.sent.size() == 1);
  told.ready = true;
  told.former.send({});
  REQUIRE(told.sent.size() == 2);
  CHECK(told.sent.back().serial == 2);
  CHECK(told.sent.back().apps.front().targets.size() == 1);
  told.former.send({});
  CHECK(told.sent.size() == 2);
}

TEST_CASE("predecessor: what it does not follow is sent again, once a second") {
  Fixture f;
  Told told;
  const base::TimePoint start{};
  told.former.follow(*f.publisher.newest(), start);
  told.former.send(start + base::Millis(900));
  CHECK(told.sent.size() == 1);
  told.former.send(start + base::Millis(1000));
  told.former.send(start + base::Millis(1100));
  CHECK(told.sent.size() == 2);
  told.former.on({.routes = 1, .instances = {}});
  told.former.send(start + base::Millis(5000));
  CHECK(told.sent.size() == 2);
}

TEST_CASE("predecessor: it may touch what it had and what it was told, until it says that it does not") {
  Fixture f;
  Told told;
  told.former.had("web", f.first->identity);
  const routing::EndpointRef third = endpoint(3, 21003);
  CHECK(told.former.may_touch(f.first->identity));
  CHECK_FALSE(told.former.may_touch(third->identity));
  // What it says before it knows any routes is of the time before.
  told.former.on({.routes = 0, .instances = {}});
  CHECK(told.former.may_touch(f.first->identity));
  told.former.follow(*f.publisher.newest(), {});  // serial 1: the first and the second
  told.former.on({.routes = 1, .instances = {name(1), name(2)}});
  CHECK(told.former.may_touch(f.second->identity));
  f.departure->follow(routes(1, {{name(2), "127.0.0.1:21002", 0}}));
  told.former.follow(*f.publisher.newest(), {});  // serial 2: the second alone
  told.former.on({.routes = 2, .instances = {name(2)}});
  CHECK_FALSE(told.former.may_touch(f.first->identity));
  CHECK(told.former.may_touch(f.second->identity));
  // The first is a target again: what it said of the routes before does not count.
  f.departure->follow(routes(2, {{name(1), "127.0.0.1:21001", 0}, {name(2), "127.0.0.1:21002", 0}}));
  told.former.follow(*f.publisher.newest(), {});  // serial 3
  told.former.on({.routes = 2, .instances = {name(2)}});
  CHECK(told.former.may_touch(f.publisher.newest()->apps.front().targets.front()->identity));
}

TEST_CASE("predecessor: no endpoint that another daemon may touch is quiescent") {
  Fixture f;
  const Listing listing{};
  CHECK(f.publisher.quiescent(*f.first, listing));
  f.publisher.also_used([&](const routing::Identity& who) { return who == f.first->identity; });
  CHECK_FALSE(f.publisher.quiescent(*f.first, listing));
  CHECK_FALSE(f.publisher.released(*f.first, listing));
  CHECK(f.publisher.quiescent(*f.second, listing));
}

}  // namespace
}  // namespace gracevisor::supervise
