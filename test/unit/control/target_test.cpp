#include "control/target.h"

#include <doctest/doctest.h>

using namespace gracevisor::control;

TEST_CASE("target: path and query are decoded") {
  auto target = parse_target("/v1/apps/w%65b/logs?n=100&instance=43%2E1&follow&text=a+b%20c&n=7");
  REQUIRE(target);
  CHECK(target->path == "/v1/apps/web/logs");
  CHECK(target->query.size() == 4);
  CHECK(target->query["n"] == "7");
  CHECK(target->query["instance"] == "43.1");
  CHECK(target->query["follow"].empty());
  CHECK(target->query["text"] == "a b c");
}

TEST_CASE("target: what could be taken for another path is refused") {
  for (const char* text :
       {"", "*", "v1", "/%", "/%4", "/%zz", "/a%2fb", "/a%2Fb", "/a%00b", "/a?x=%", "/a?%0", "/% 1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_target(text));
  }
  CHECK(parse_target("/a?x=%2F")->query["x"] == "/");
  CHECK(parse_target("/a+b?")->path == "/a+b");
}

TEST_CASE("target: an escaped text comes back") {
  std::string text = "web-1_2.~ /%?&=\xc3\xa9";
  CHECK(escape(text) == "web-1_2.~%20%2F%25%3F%26%3D%C3%A9");
  CHECK(parse_target("/?x=" + escape(text))->query["x"] == text);
}
