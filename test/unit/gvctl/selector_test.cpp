#include "gvctl/selector.h"

#include <doctest/doctest.h>

using namespace gracevisor::gvctl;

namespace {
std::vector<std::string> pick(const std::vector<std::string>& texts) {
  std::vector<Selector> selectors;
  for (const auto& text : texts) selectors.push_back(*parse_selector(text));
  auto picked = pick_apps(selectors, {"web", "worker-mail", "worker-pdf"});
  return picked ? *picked : std::vector<std::string>{"error: " + picked.error().what};
}
using Names = std::vector<std::string>;
}  // namespace

TEST_CASE("selector: an app, a generation, an instance") {
  auto app = parse_selector("web");
  REQUIRE(app);
  CHECK(app->app == "web");
  CHECK(app->whole_app());
  CHECK(app->instance().empty());
  auto generation = parse_selector("web@43");
  REQUIRE(generation);
  CHECK(generation->generation == 43);
  CHECK_FALSE(generation->whole_app());
  CHECK(generation->instance() == "43");
  auto instance = parse_selector("my.web-app_2@43.1");
  REQUIRE(instance);
  CHECK(instance->app == "my.web-app_2");
  CHECK(instance->slot == 1);
  CHECK(instance->instance() == "43.1");
  CHECK_FALSE(instance->names_many());
}

TEST_CASE("selector: patterns and all name many apps") {
  CHECK(parse_selector("worker-*")->names_many());
  CHECK(parse_selector("w?b")->names_many());
  CHECK(parse_selector("[a-c]pi")->names_many());
  CHECK(parse_selector("all")->names_many());
  CHECK_FALSE(parse_selector("alley")->names_many());
}

TEST_CASE("selector: everything else is refused") {
  for (const char* text : {"",       "@",          "@group",    "web@",     "web@x",
                           "web@0",  "web@-1",     "web@43.",   "web@43.0", "web@43.x",
                           "web@.1", "web@43.1.2", "web@43@44", "a/b",      "../web",
                           "a b",    "we\x1b",     "all@3",     "w*@3",     "web@99999999999999999999",
                           "web@ 4", "\xc3\xa9"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_selector(text));
  }
  CHECK(parse_selector("web@x").error().what ==
        "\"web@x\" selects nothing: the generation behind @ is a number from 1");
}

TEST_CASE("selector: apps are picked once each, in the order in which they were named") {
  CHECK(pick({"web"}) == Names{"web"});
  CHECK(pick({"all"}) == Names{"web", "worker-mail", "worker-pdf"});
  CHECK(pick({"worker-*", "web", "worker-pdf"}) == Names{"worker-mail", "worker-pdf", "web"});
  CHECK(pick({"web", "web"}) == Names{"web"});
  CHECK(pick({"unknown", "web"}) == Names{"unknown", "web"});
  CHECK(pick({"w[a-f]b", "nothing-*"}) == Names{"error: no app matches \"nothing-*\""});
}

TEST_CASE("selector: all of no apps is nothing, and no error") {
  auto picked = pick_apps({*parse_selector("all")}, {});
  REQUIRE(picked);
  CHECK(picked->empty());
}
