#include "decide/slow_stream_hints.h"

#include <doctest/doctest.h>

#include <chrono>

namespace gracevisor::decide {
namespace {

using namespace std::chrono_literals;

TEST_CASE("slow streams: new ones are hinted at once an hour for each app") {
  SlowStreamHints hints;
  const base::TimePoint at{100h};
  const base::AppId web(1);
  CHECK_FALSE(hints.take_line(web, "web", 0, at));
  auto line = hints.take_line(web, "web", 2, at);
  REQUIRE(line);
  CHECK(line->starts_with("slow-stream app=web cause=\"a request in chunks has not ended within 5 s"));
  CHECK_FALSE(hints.take_line(web, "web", 2, at + 2h));
  CHECK(hints.take_line(base::AppId(2), "api", 1, at));
  CHECK(hints.take_line(web, "web", 3, at + 2h));
  CHECK_FALSE(hints.take_line(web, "web", 4, at + 2h + 59min));
  CHECK_FALSE(hints.take_line(web, "web", 4, at + 4h));
  CHECK(hints.take_line(web, "web", 5, at + 4h));
}

}  // namespace
}  // namespace gracevisor::decide
