#include "supervise/listener_changes.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gracevisor::supervise {
namespace {

using Texts = std::vector<std::string>;

config::Listener listener(const std::string& name, const std::vector<std::string>& addresses) {
  config::Listener result;
  result.name = name;
  for (const std::string& one : addresses) result.addresses.push_back(base::Address::parse(one).value());
  return result;
}

TEST_CASE("listener changes: addresses that come and go, then the keys of each listener that stays") {
  const auto before = listener("public", {"127.0.0.1:80"});
  CHECK(changes_between({before}, {before}).empty());
  CHECK(changes_between({before}, {listener("public", {"127.0.0.1:81", "127.0.0.1:82"})}) ==
        Texts{"127.0.0.1:80 -> 127.0.0.1:81, 127.0.0.1:82"});
  CHECK(changes_between({before}, {}) == Texts{"127.0.0.1:80 -> nothing"});
  CHECK(changes_between({}, {before}) == Texts{"nothing -> 127.0.0.1:80"});
  auto after = before;
  after.idle_timeout = base::Millis(1);
  CHECK(changes_between({before}, {after}) == Texts{"public: idle_timeout"});
}

TEST_CASE("listener changes: a listener that is only renamed keeps its address") {
  CHECK(changes_between({listener("a", {"127.0.0.1:80"})}, {listener("b", {"127.0.0.1:80"})}).empty());
}

TEST_CASE("route owners: of two apps with the same route at an address the first one has it") {
  config::App app;
  app.routes.emplace_back().host = "example.com";
  app.routes.front().path = "/";
  const std::vector<config::Listener> here = {listener("public", {"127.0.0.1:80"})};
  const std::vector<config::Listener> there = {listener("other", {"127.0.0.1:81"})};
  RouteOwners owners;
  CHECK(owners.claim("web", {&app, &here}).empty());
  CHECK(owners.claim("web", {&app, &here}).empty());
  CHECK(owners.claim("api", {&app, &there}).empty());
  CHECK(owners.claim("api", {&app, &here}) ==
        Texts{"example.com/ at 127.0.0.1:80 goes to web, until that is deployed without it"});
}

}  // namespace
}  // namespace gracevisor::supervise
