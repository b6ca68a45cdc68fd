#include "control/verbs.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace gracevisor::control;
using gracevisor::http::Method;

TEST_CASE("verbs: each may be asked by the role that the table of roles gives it, and by no lesser one") {
  const std::set<Verb> for_admins = {Verb::upgrade, Verb::shutdown, Verb::environment_values};
  for (const VerbRule& rule : verb_rules()) {
    std::string path(rule.path);
    if (const auto star = path.find('*'); star != std::string::npos) path.replace(star, 1, "web");
    CAPTURE(path);
    const bool admin = for_admins.contains(rule.verb);
    CHECK(rule.least == (admin ? Role::admin : Role::operator_));
    CHECK(match_verb(rule.method, path, Role::none).error() == NotAsked::not_permitted);
    const auto as_operator = match_verb(rule.method, path, Role::operator_);
    CHECK(as_operator.has_value() == !admin);
    const auto as_admin = match_verb(rule.method, path, Role::admin);
    REQUIRE(as_admin.has_value());
    CHECK(as_admin->verb == rule.verb);
    CHECK(as_admin->app == (rule.path.contains('*') ? "web" : ""));
  }
}

TEST_CASE("verbs: what the table does not have is no path, and every change is a POST") {
  const auto kind = [](Method method, const char* path) {
    return match_verb(method, path, Role::admin).error();
  };
  for (const char* path : {"/", "/v1", "/v1/apps", "/v1/apps/", "/v1/apps/web/", "/v1/apps/web/frobnicate",
                           "/v1/apps/web/deploy/", "/v1/apps//deploy", "/v1/apps/a/b/deploy", "/v2/status",
                           "/v1/statusx", "v1/status"}) {
    CAPTURE(path);
    CHECK(kind(Method::get, path) == NotAsked::no_such_path);
    CHECK(kind(Method::post, path) == NotAsked::no_such_path);
  }
  for (const VerbRule& rule : verb_rules()) {
    const Method other = rule.method == Method::get ? Method::post : Method::get;
    std::string path(rule.path);
    if (const auto star = path.find('*'); star != std::string::npos) path.replace(star, 1, "web");
    CHECK(match_verb(other, path, Role::admin).error() == NotAsked::no_such_path);
  }
}

TEST_CASE("verbs: while another daemon takes over, only looks at the daemon as a whole are answered") {
  for (const VerbRule& rule : verb_rules()) {
    CAPTURE(rule.path);
    const bool look = rule.verb == Verb::version || rule.verb == Verb::status;
    CHECK(answered_while_frozen(rule.verb) == look);
    if (look) CHECK(rule.method == Method::get);
  }
}
