// Which definitions are in force, and who is to be reached where.
#include "supervise/listener_claims.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gracevisor::supervise {
namespace {

config::Listener listener(const std::string& name, const std::string& address, base::Millis idle = {}) {
  config::Listener result;
  result.name = name;
  result.addresses = {base::Address::parse(address).value()};
  result.idle_timeout = idle;
  return result;
}

// An app with its listeners, and what it had before its deploy.
struct Known {
  config::App config;
  std::vector<config::Listener> listeners;
  std::vector<config::Listener> former;

  [[nodiscard]] ListenerUser user(std::uint32_t id) const {
    ListenerUser user{base::AppId(id), {&config, &listeners}};
    if (!former.empty()) user.former = {&config, &former};
    return user;
  }
};

// "127.0.0.1:80 public, other: 1 2"
std::vector<std::string> shown(const std::vector<Claim>& claims) {
  std::vector<std::string> result;
  for (const Claim& claim : claims) {
    std::string text = claim.address.text();
    for (const ListenerRef& one : claim.definitions) text += " " + one->name;
    text += ":";
    for (const auto& [app, face] : claim.users) text += " " + std::to_string(app.value());
    result.push_back(text);
  }
  return result;
}

TEST_CASE("claims: a definition stays in force, as the same object, while any app has it") {
  const Known web{{}, {listener("public", "127.0.0.1:80")}, {}};
  const Definitions before = definitions({}, {web.user(1)});
  const Known changed{{}, {listener("public", "127.0.0.1:81")}, {}};
  CHECK(definitions(before, {changed.user(1), web.user(2)}).at("public") == before.at("public"));
  CHECK(definitions(before, {web.user(1), changed.user(2)}).at("public") == before.at("public"));
  const Definitions after = definitions(before, {changed.user(1)});
  CHECK(after.at("public")->addresses == changed.listeners.front().addresses);
  CHECK(definitions(after, {}).empty());
}

TEST_CASE("claims: of two new definitions of a name the first app's is in force") {
  const Known first{{}, {listener("public", "127.0.0.1:80", base::Millis(1))}, {}};
  const Known second{{}, {listener("public", "127.0.0.1:80", base::Millis(2))}, {}};
  CHECK(definitions({}, {first.user(1), second.user(2)}).at("public")->idle_timeout == base::Millis(1));
}

TEST_CASE("claims: an address is claimed once, by all names for it and all their apps") {
  const Known web{{}, {listener("public", "127.0.0.1:80"), listener("other", "127.0.0.1:81")}, {}};
  const Known api{{}, {listener("same", "127.0.0.1:80")}, {}};
  const std::vector<ListenerUser> apps = {web.user(1), api.user(2)};
  CHECK(shown(claims(definitions({}, apps), apps)) ==
        std::vector<std::string>{"127.0.0.1:81 other: 1", "127.0.0.1:80 public same: 1 2"});
}

TEST_CASE(
    "claims: what a cut-back would restore is claimed too, unless the app is there with its new routes") {
  const Known moved{{}, {listener("public", "127.0.0.1:81")}, {listener("public", "127.0.0.1:80")}};
  const Known stays{{}, {listener("own", "127.0.0.1:90")}, {listener("own", "127.0.0.1:90")}};
  const std::vector<ListenerUser> apps = {moved.user(1), stays.user(2)};
  CHECK(shown(claims(definitions({}, apps), apps)) ==
        std::vector<std::string>{"127.0.0.1:90 own: 2", "127.0.0.1:81 public: 1", "127.0.0.1:80 public: 1"});
}

TEST_CASE("claims: an app without a face claims nothing") {
  CHECK(definitions({}, {ListenerUser{base::AppId(1), {}}}).empty());
  CHECK(claims({}, {ListenerUser{base::AppId(1), {}}}).empty());
}

}  // namespace
}  // namespace gracevisor::supervise
