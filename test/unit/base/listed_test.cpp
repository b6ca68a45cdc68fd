#include "base/listed.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace gracevisor::base {
namespace {

TEST_CASE("listed: as many as are said, and how many more there are") {
  CHECK(listed(std::vector<std::string>{}) == "");
  CHECK(listed(std::vector<std::string>{"web"}) == "web");
  CHECK(listed(std::set<std::string>{"web", "api"}) == "api, web");
  std::vector<std::string> apps;
  for (int i = 0; i < 60; ++i) apps.push_back("a" + std::to_string(i));
  CHECK(listed(apps) == "a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 50 more");
  CHECK(listed(apps, 2) == "a0, a1 and 58 more");
}

}  // namespace
}  // namespace gracevisor::base
