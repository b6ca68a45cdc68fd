// Which tables the supervisor keeps; what it knows of endpoints is in test/stress/handoff_stress.cpp.
#include "supervise/publisher.h"

#include <doctest/doctest.h>

#include <memory>

using namespace gracevisor;
using namespace gracevisor::supervise;

TEST_CASE("publisher: a table that a worker keeps for long holds back none of those that came after it") {
  routing::WorkerPort port;
  Publisher publisher({{&port, [] {}}});
  publisher.publish(std::make_unique<routing::RouteTable>());
  routing::RouteTableRef pinned = port.mailbox.take()->table;
  port.oldest_pinned.reach(pinned->epoch);
  routing::RouteTableRef current = pinned;
  for (int i = 0; i < 100; ++i) {
    publisher.publish(std::make_unique<routing::RouteTable>());
    publisher.drop_passed_tables();
    CHECK(publisher.tables_kept() == (current == pinned ? 2 : 3));  // the worker still has the former one
    current = port.mailbox.take()->table;
  }
  publisher.drop_passed_tables();
  CHECK(publisher.tables_kept() == 2);
  pinned.reset();
  port.oldest_pinned.reach(current->epoch);
  publisher.drop_passed_tables();
  CHECK(publisher.tables_kept() == 1);
}
