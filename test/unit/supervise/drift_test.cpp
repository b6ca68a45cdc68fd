// How the files differ from what runs, in words, by table.
#include "supervise/drift.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor::supervise;
using Item = Drift::Item;
using Kind = Drift::Item::Kind;

namespace {

constexpr std::chrono::sys_seconds kNow{std::chrono::hours(1000)};

Item changed(const std::string& app, std::vector<std::string> keys = {"instances"},
             const std::string& file = "gv.toml", unsigned ago = 180) {
  return {Kind::changed, app, std::move(keys), "", file, kNow - std::chrono::seconds(ago)};
}

Item named(Kind kind, const std::string& name) {
  return {kind, name, {}, "", "gv.toml", kNow - std::chrono::seconds(180)};
}

Item listener() {
  return {Kind::listener, "public", {}, ":80 -> :81 (web, api)", "gv.toml", kNow};
}

Item daemon() {
  return {Kind::daemon, "[daemon]", {"workers"}, "", "gv.toml", kNow};
}

std::string said(std::vector<Item> items, const std::set<std::string>& except = {}) {
  return line_of(Drift{std::move(items), "", {}}, kNow, except).text;
}

}  // namespace

TEST_CASE("drift: one app that changed is deployed, anything else is rehearsed first") {
  CHECK(said({}) == "");
  CHECK(said({changed("web", {"environment.V", "user"})}) ==
        "gv.toml changed 3 min ago: web differs (environment.V, user): gvctl deploy web");
  CHECK(
      said({changed("web"), changed("api")}) ==
      "gv.toml changed 3 min ago: web differs (instances), api differs (instances): gvctl reload --dry-run");
  CHECK(said({named(Kind::fresh, "api")}) == "gv.toml changed 3 min ago: api is new: gvctl reload --dry-run");
  CHECK(said({named(Kind::gone, "php")}) == "gv.toml changed 3 min ago: php is gone: gvctl reload --dry-run");
  CHECK(said({listener()}) ==
        "gv.toml changed 0 s ago: public :80 -> :81 (web, api): gvctl reload --dry-run");
  CHECK(said({daemon()}) == "gv.toml changed 0 s ago: [daemon] differs (workers): gvctl reload --dry-run");
  CHECK(said({daemon(), named(Kind::gone, "php"), named(Kind::fresh, "api"), changed("web")}) ==
        "gv.toml changed 0 s ago: web differs (instances), api is new, php is gone, [daemon] differs "
        "(workers): "
        "gvctl reload --dry-run");
}

TEST_CASE("drift: what a command takes itself does not count") {
  CHECK(said({changed("web")}, {"web"}) == "");
  CHECK(said({changed("web"), changed("api")}, {"web"}) ==
        "gv.toml changed 3 min ago: api differs (instances): gvctl deploy api");
  CHECK(said({named(Kind::fresh, "web"), daemon()}, {"web"}) ==
        "gv.toml changed 0 s ago: [daemon] differs (workers): gvctl reload --dry-run");
}

TEST_CASE("drift: it names the file that changed last of those that say so, if there still is one") {
  CHECK(said({changed("web", {"user"}, "a.toml", 90), changed("api", {"user"}, "b.toml", 5)})
            .starts_with("b.toml changed 5 s ago: web differs (user), api differs (user)"));
  Item gone = named(Kind::gone, "php");
  gone.file = "conf.d/php.toml";
  gone.changed.reset();
  CHECK(said({gone}) == "conf.d/php.toml is no longer there: php is gone: gvctl reload --dry-run");
  CHECK(
      said({gone, changed("web")}).starts_with("gv.toml changed 3 min ago: web differs (instances), php is"));
  // A clock that was set back.
  Item later = changed("web");
  later.changed = kNow + std::chrono::hours(1);
  CHECK(said({later}).starts_with("gv.toml changed 0 s ago: "));
}

TEST_CASE("drift: sixty apps are no longer than ten") {
  std::vector<Item> items;
  for (int i = 0; i < 60; ++i) items.push_back(named(Kind::fresh, "n" + std::to_string(i)));
  for (int i = 0; i < 7; ++i) items.push_back(changed("c" + std::to_string(i)));
  CHECK(
      said(items) ==
      "gv.toml changed 3 min ago: c0 differs (instances), c1 differs (instances), c2 differs (instances), c3 "
      "differs (instances), c4 differs (instances) and 2 more, n0, n1, n2, n3, n4 and 55 more are new: gvctl "
      "reload --dry-run");
}

TEST_CASE("drift: files that cannot be put into force are told as they are") {
  const DriftLine line =
      line_of({{changed("web")}, "gv.toml cannot be put into force: x", {}}, kNow, {"web"});
  CHECK(line.text == "gv.toml cannot be put into force: x");
  CHECK(line.keys.empty());
}

TEST_CASE("drift: its keys are whole, and stay while it grows old") {
  const Drift drift{{changed("web", {"environment.V", "user"}), named(Kind::fresh, "api"),
                     named(Kind::gone, "php"), listener(), daemon()},
                    "",
                    {}};
  const DriftLine line = line_of(drift, kNow);
  const std::vector<std::string> keys = {"app.web.environment.V", "app.web.user",  "app.api", "app.php",
                                         "listener.public",       "daemon.workers"};
  CHECK(line.keys == keys);
  const DriftLine later = line_of(drift, kNow + std::chrono::seconds(1));
  CHECK(later.text != line.text);
  CHECK(later.keys == keys);
  CHECK(line_of(drift, kNow, {"web", "api", "php"}).keys ==
        std::vector<std::string>{"listener.public", "daemon.workers"});
}
