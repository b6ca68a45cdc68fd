// The worker has no descriptor left, or no place: nobody else is blamed, and somebody hears of it.
#include <doctest/doctest.h>

#include "passing.h"
#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/scarce.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("shortage: a request waits for a descriptor and the instance is not blamed") {
  CoreRig rig;
  rig.web.hold = 10s;
  rig.publish();
  RawEnd& client = rig.connect();
  rig.settle();
  {
    Scarce none;
    client.send(get("/"));
    rig.settle();
    for (int i = 0; i < 5; ++i) rig.pass(400ms);
  }
  CHECK(rig.app_connections() == 0);
  CHECK(client.received().empty());
  CHECK(rig.shortages().dial.read() > 1);
  CHECK(rig.shortages().code.read() == EMFILE);
  CHECK(rig.cell().connect_failures.read() == 0);
  CHECK(rig.counts().retried.read() == 0);
  for (int i = 0; i < 5 && rig.app(0) == nullptr; ++i) rig.pass(400ms);
  REQUIRE(rig.app(0) != nullptr);
  rig.app(0)->send(ok("served"));
  rig.settle();
  CHECK(client.received().ends_with("served"));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE(
    "shortage: a request that finds no descriptor for as long as it may wait is told whose fault it is") {
  CoreRig rig;
  rig.web.hold = 1s;
  rig.publish();
  RawEnd& client = rig.connect();
  rig.settle();
  {
    Scarce none;
    client.send(get("/"));
    rig.settle();
    for (int i = 0; i < 5; ++i) rig.pass(400ms);
  }
  CHECK(client.received().starts_with("HTTP/1.1 503 "));
  CHECK(value_of(client.received(), "X-Gv-Error") == "proxy-exhausted");
  CHECK(value_of(client.received(), "Retry-After") == "1");
  CHECK(rig.cell().connect_failures.read() == 0);
  CHECK(rig.leases() == 0);
}

TEST_CASE("shortage: a client that waits is accepted in the place of an idle connection to an instance") {
  CoreRig rig;
  RawEnd& first = rig.connect();
  first.send(get("/"));
  rig.settle();
  REQUIRE(rig.app(0) != nullptr);
  rig.app(0)->send(ok("one"));
  rig.settle();
  REQUIRE(first.received().ends_with("one"));
  RawEnd& second = rig.connect();
  {
    Scarce none;
    rig.turn();
    rig.turn();
    CHECK(rig.shortages().accept.read() == 1);
    CHECK(rig.shortages().code.read() == EMFILE);
  }
  second.send(get("/"));
  rig.settle();
  REQUIRE(rig.app(1) != nullptr);
  rig.app(1)->send(ok("two"));
  rig.settle();
  CHECK(second.received().ends_with("two"));
}

TEST_CASE("shortage: the table says how many clients there may be and who finds no place is counted") {
  CoreRig rig;
  rig.room = {.clients = 2, .turned_away = 1, .pipes = 0};
  rig.publish();
  RawEnd& first = rig.connect();
  RawEnd& second = rig.connect();
  // In the middle of a head: an idle connection would make room.
  const std::string request = get("/x", "Max-Forwards: 0\r\n");
  for (RawEnd* client : {&first, &second}) client->send(request.substr(0, 5));
  rig.settle();
  CHECK(rig.shortages().turned_away.read() == 0);
  RawEnd& third = rig.connect();
  RawEnd& fourth = rig.connect();
  rig.settle();
  CHECK(rig.shortages().turned_away.read() == 2);
  CHECK(third.received().starts_with("HTTP/1.1 503 "));
  CHECK(value_of(third.received(), "X-Gv-Error") == "too-many-connections");
  CHECK(fourth.received().empty());
  // More room: the next one is let in, and nobody was closed for the lack of it.
  rig.room.clients = 5;
  rig.publish();
  RawEnd& fifth = rig.connect();
  for (RawEnd* client : {&first, &second}) client->send(request.substr(5));
  fifth.send(request);
  rig.settle();
  CHECK(rig.shortages().turned_away.read() == 2);
  CHECK(rig.app_connections() == 3);
}

TEST_CASE("shortage: a probe that cannot be begun is neither a pass nor a failure") {
  CoreRig rig;
  auto check = std::make_shared<config::Health>();
  auto box = std::make_shared<routing::ProbeBox>();
  rig.probes = {{rig.endpoint(0), 1, check, "h", true, base::Millis(50), box}};
  std::unique_ptr<routing::ProbeReport> report;
  {
    Scarce none;
    rig.publish();
    for (int i = 0; i < 10; ++i) rig.pass(50ms);
    report = box->take();
  }
  REQUIRE(report != nullptr);
  CHECK(report->tries > 5);
  CHECK(report->failures_in_a_row == 0);
  CHECK(report->passes_in_a_row == 0);
  CHECK(report->last == routing::ProbeOutcome::unable);
  CHECK(report->code == EMFILE);
  CHECK(rig.shortages().probe.read() == report->tries);
  for (int i = 0; i < 5 && rig.app(0) == nullptr; ++i) rig.pass(50ms);
  REQUIRE(rig.app(0) != nullptr);
  rig.app(0)->send(ok("up"));
  rig.settle();
  report = box->take();
  REQUIRE(report != nullptr);
  CHECK(report->last == routing::ProbeOutcome::passed);
  CHECK(report->passes_in_a_row == 1);
}

}  // namespace
}  // namespace gracevisor::test
