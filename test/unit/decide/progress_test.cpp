// What a command under way says that it is doing.
#include <doctest/doctest.h>

#include "support/app_fixture.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("progress: a deploy tells its checks, its drain, its guard, and what still has to stop") {
  AppFixture f;
  f.boot();
  f.effects.endpoint_counts[f.who(1, 1)].in_flight = 2;
  f.effects.endpoint_counts[f.who(1, 2)].in_flight = 1;
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.run(2, 1);
  f.run(2, 2);
  f.probe(2, 1, true);
  f.probe(2, 2, false);
  f.effects.advance(2s);
  CHECK(f.app.progress(*report) ==
        "@2: 58 s left, 1 of 2 healthy, last probe: " + f.instance(2, 2).probe_text());
  f.probe(2, 2, true);
  CHECK(f.app.progress(*report) == "");  // the record is being written
  f.written();
  f.adopted();
  f.effects.advance(2300ms);
  CHECK(f.app.progress(*report) == "draining @1: 3 left after 2.3 s; guard: 8 s left");
  f.app.on_quiescent(f.who(1, 1));
  f.app.on_quiescent(f.who(1, 2));
  CHECK(f.app.progress(*report) == "guard: 8 s left");
  f.effects.advance(8s);
  f.written();
  f.exit(1, 1);
  CHECK(f.app.progress(*report) == "stopping @1: 1 of 2 still run");
  f.exit(1, 2);
  REQUIRE(report->finished());
  CHECK(f.app.progress(*report) == "");
}

TEST_CASE("progress: the slot of a deploy is free, and its drain is still told") {
  AppFixture f;
  f.boot();
  f.effects.endpoint_counts[f.who(1, 2)].in_flight = 1;
  auto report = f.cut_over(2, AppFixture::make_spec());
  f.effects.advance(10s);
  f.written();
  f.effects.advance(5s);
  CHECK(f.app.progress(*report) == "draining @1: 1 left after 15.0 s");
}

TEST_CASE("progress: a deploy that fails tells what it still stops") {
  AppFixture f;
  f.boot();
  auto report = f.report();
  REQUIRE(f.app.deploy(AppFixture::make_spec(), report).has_value());
  f.run(2, 1);
  f.run(2, 2);
  f.exit(2, 1, spawn::Exited{1});
  CHECK(f.app.progress(*report) == "stopping @2: 1 of 2 still run");
}

TEST_CASE("progress: starts, scales and stops, nobody else's report") {
  AppFixture f;
  auto start = f.report();
  REQUIRE(f.app.start(AppFixture::make_spec(), start).has_value());
  f.run(1, 1);
  CHECK(f.app.progress(*start) == "0 of 2 healthy, last probe: GET /health -> no answer yet");
  f.heal(1);
  f.written();
  f.adopted();
  auto scale = f.report();
  REQUIRE(f.app.scale(1, scale).has_value());
  f.written();
  CHECK(f.app.progress(*scale) == "stopping: 1 still run");
  f.app.on_quiescent(f.who(1, 2));
  f.exit(1, 2);
  f.effects.endpoint_counts[f.who(1, 1)].in_flight = 4;
  auto stop = f.report();
  REQUIRE(f.stop(Haste::drain, stop).has_value());
  f.written();
  CHECK(f.app.progress(*stop) == "draining: 4 left");
  f.effects.endpoint_counts.clear();
  f.app.on_quiescent(f.who(1, 1));
  CHECK(f.app.progress(*stop) == "stopping: 1 still run");
  CHECK(f.app.progress(*f.report()) == "");
}
