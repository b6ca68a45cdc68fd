#include "supervise/listener_book.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <deque>

#include "base/unique_fd.h"

using namespace gracevisor;
using namespace gracevisor::supervise;

namespace {

config::Listener listener(const std::string& name, const std::string& address) {
  config::Listener result;
  result.name = name;
  result.addresses = {base::Address::parse(address).value()};
  return result;
}

bool accepts(const std::string& address) {
  auto target = base::Address::parse(address).value();
  base::UniqueFd client(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), target.get(), target.length()) == 0;
}

// A book and the apps that use it, with a clock of the test's.
struct Scene {
  struct Live {
    config::App config;
    std::vector<config::Listener> listeners;
    std::optional<config::App> former;
    std::vector<config::Listener> former_listeners;
  };
  ListenerBook book{1};
  std::deque<Live> apps;
  base::Epoch epoch;
  base::TimePoint now{};

  // Opens what the app listens on; from the next table on it serves there.
  Live& add(const std::string& name, const std::vector<config::Listener>& listeners,
            config::Route route = {}) {
    Live& app = apps.emplace_back();
    app.config.name = name;
    app.config.routes = {std::move(route)};
    app.config.deploy.drain_timeout = base::Millis(20'000);
    put(app, listeners);
    return app;
  }
  void put(Live& app, const std::vector<config::Listener>& listeners) {
    book.commit(book.open(listeners).value());
    app.listeners = listeners;
    app.config.listen.clear();
    for (const auto& one : listeners) app.config.listen.push_back(one.name);
  }
  // As a deploy does that may still be cut back.
  void deploy(Live& app, const std::vector<config::Listener>& listeners) {
    app.former = app.config;
    app.former_listeners = app.listeners;
    put(app, listeners);
  }
  std::vector<routing::ListenerRoutes> table() {
    std::vector<ListenerUser> users;
    for (const Live& app : apps) {
      ListenerUser one{base::AppId(static_cast<std::uint32_t>(users.size() + 1)),
                       {&app.config, &app.listeners}};
      if (app.former) one.former = {&*app.former, &app.former_listeners};
      users.push_back(one);
    }
    epoch = epoch.next();
    book.settle(users, {epoch, now});
    return book.listed();
  }
  // Every worker has entered the newest table.
  bool follow() { return book.follow(epoch, now); }
};

using What = ListenerBook::Event::What;

}  // namespace

TEST_CASE("listeners: what is opened answers, and is listed once it is committed") {
  ListenerBook book(2);
  auto opened = book.open({listener("public", "127.0.0.1:0")});
  REQUIRE(opened.has_value());
  config::App web;
  web.name = "web";
  web.listen = {"public"};
  web.routes = {config::Route{}};
  std::vector<config::Listener> listeners = {listener("public", "127.0.0.1:0")};
  std::vector<ListenerUser> apps = {{base::AppId(1), {&web, &listeners}}};
  book.settle(apps, {base::Epoch(1), {}});
  CHECK(book.listed().empty());
  REQUIRE(book.missing().size() == 1);
  CHECK(book.missing()[0].app == base::AppId(1));
  CHECK(book.missing()[0].listener == "public");
  book.commit(std::move(*opened));
  book.settle(apps, {base::Epoch(2), {}});
  auto routes = book.listed();
  REQUIRE(routes.size() == 1);
  CHECK(book.missing().empty());
  CHECK(routes[0].sockets->sockets.size() == 2);
  CHECK(routes[0].index->find("any.example", "/x").value().app == base::AppId(1));
  CHECK(accepts(book.addresses("public").at(0)));
}

TEST_CASE("listeners: another access log comes into force with the next definition, on the same sockets") {
  Scene scene;
  config::Listener definition = listener("public", "127.0.0.1:0");
  auto& web = scene.add("web", {definition});
  auto before = scene.table();
  REQUIRE(before.size() == 1);
  CHECK(before[0].access == nullptr);
  definition.access_log = "/l/access.log";
  definition.access_format = config::AccessFormat::combined;
  scene.put(web, {definition});
  auto after = scene.table();
  REQUIRE(after.size() == 1);
  CHECK(after[0].sockets == before[0].sockets);
  REQUIRE(after[0].access != nullptr);
  CHECK(*after[0].access ==
        routing::AccessSink{"/l/access.log", config::AccessFormat::combined, 50ULL << 20, 5});
}

TEST_CASE("listeners: a busy address is an error that names listener and address, and opens nothing") {
  Scene scene;
  scene.add("web", {listener("public", "127.0.0.1:0")});
  std::string taken = scene.table().at(0).sockets->address.text();
  std::string fresh;
  {
    ListenerBook stranger(1);
    auto second = stranger.open({listener("fresh", "127.0.0.1:0"), listener("other", taken)});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().what.find("other") != std::string::npos);
    CHECK(second.error().what.find(taken) != std::string::npos);
    CHECK(stranger.addresses("fresh").empty());
  }
  CHECK(accepts(taken));
}

TEST_CASE("listeners: an index is built anew only when its routes change") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")});
  auto before = scene.table().at(0).index;
  CHECK(scene.table().at(0).index == before);
  web.config.routes = {config::Route{"example.com", "/api", {}}};
  auto after = scene.table().at(0).index;
  CHECK(after != before);
  CHECK_FALSE(after->find("other.example", "/api").has_value());
  CHECK(after->find("example.com", "/api/x").value().app == base::AppId(1));

  scene.add("shop", {listener("public", "127.0.0.1:0")}, {"example.com", "/shop", {}});
  auto more = scene.table().at(0).index;
  CHECK(more->find("example.com", "/shop").value().app == base::AppId(2));
  CHECK(scene.table().at(0).index == more);
  scene.apps.pop_back();
  CHECK_FALSE(scene.table().at(0).index->find("example.com", "/shop").has_value());
  web.config.routes.clear();
  CHECK_FALSE(scene.table().at(0).index->find("example.com", "/api").has_value());
}

TEST_CASE("listeners: an address that stays is not opened again while another one comes beside it") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")});
  auto first = scene.table();
  config::Listener changed = listener("public", "127.0.0.1:0");
  changed.addresses.push_back(base::Address::parse("127.0.0.3:0").value());
  scene.put(web, {changed});
  auto second = scene.table();
  REQUIRE(second.size() == 2);
  CHECK(second.at(0).sockets == first.at(0).sockets);
  CHECK_FALSE(second.at(0).leaving);
}

TEST_CASE("listeners: an address that leaves keeps its routes until its last connection has gone") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")});
  auto first = scene.table().at(0);
  auto& cell = first.sockets->ledger->cells[0];
  cell.accepted.add(2);
  cell.ended.add();
  scene.put(web, {listener("public", "127.0.0.2:0")});
  auto moved = scene.table();
  REQUIRE(moved.size() == 2);
  CHECK(moved.at(0).leaving);
  CHECK(moved.at(0).sockets == first.sockets);
  CHECK(moved.at(0).index->find("any.example", "/").value().app == base::AppId(1));
  CHECK_FALSE(moved.at(1).leaving);
  auto told = scene.book.take_events();
  REQUIRE(told.size() == 1);
  CHECK(told[0].what == What::leaves);
  CHECK(told[0].detail == "drain=20s");

  std::string address = first.sockets->address.text();
  CHECK_FALSE(scene.book.follow(base::Epoch(1), scene.now));
  CHECK(accepts(address));  // a worker may still be accepting there
  CHECK_FALSE(scene.follow());
  CHECK_FALSE(accepts(address));  // although `first`, as an exchange's old table would, has the descriptors
  CHECK(scene.table().size() == 2);
  cell.ended.add();
  CHECK(scene.follow());
  CHECK(scene.table().size() == 1);
  CHECK(scene.book.take_events().at(0).what == What::ended);
  CHECK(accepts(scene.book.addresses("public").at(0)));
}

TEST_CASE("listeners: an address that leaves ends at the largest drain timeout of its apps") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")}, {"web.test", "/", {}});
  auto& shop = scene.add("shop", {listener("public", "127.0.0.1:0")}, {"shop.test", "/", {}});
  shop.config.deploy.drain_timeout = base::Millis(30'000);
  scene.table().at(0).sockets->ledger->cells[0].accepted.add();
  scene.apps.clear();
  CHECK(scene.table().at(0).leaving);
  CHECK_FALSE(scene.follow());
  scene.now += std::chrono::seconds(29);
  CHECK_FALSE(scene.follow());
  scene.now += std::chrono::seconds(1);
  CHECK(scene.follow());
  CHECK(scene.table().empty());
  auto told = scene.book.take_events();
  CHECK(told.back().what == What::ended);
  CHECK(told.back().detail == "cut=1");
  (void)web;
}

TEST_CASE("listeners: an address that comes back while it leaves is the same one") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")});
  auto first = scene.table().at(0);
  first.sockets->ledger->cells[0].accepted.add();
  scene.put(web, {listener("public", "127.0.0.2:0")});
  CHECK(scene.table().at(0).leaving);
  scene.put(web, {listener("public", "127.0.0.1:0")});
  auto back = scene.table();
  CHECK(back.at(0).sockets == first.sockets);
  CHECK_FALSE(back.at(0).leaving);
  CHECK(accepts(first.sockets->address.text()));
  CHECK(back.at(1).leaving);
}

TEST_CASE("listeners: a definition that another app still has stays in force") {
  Scene scene;
  config::Listener before = listener("public", "127.0.0.1:0");
  auto& web = scene.add("web", {before}, {"web.test", "/", {}});
  auto& shop = scene.add("shop", {before}, {"shop.test", "/", {}});
  auto first = scene.table().at(0);
  config::Listener after = before;
  after.max_head = 4096;
  scene.put(web, {after});
  CHECK(scene.table().at(0).config == first.config);
  scene.put(shop, {after});
  CHECK(scene.table().at(0).config->max_head == 4096);
}

TEST_CASE(
    "listeners: while a deploy may be cut back the address that it left stays open and keeps its routes") {
  Scene scene;
  auto& web = scene.add("web", {listener("old", "127.0.0.1:0")});
  auto first = scene.table().at(0);
  scene.deploy(web, {listener("new", "127.0.0.1:0")});
  auto guarded = scene.table();
  REQUIRE(guarded.size() == 2);
  for (const auto& one : guarded) {
    CHECK_FALSE(one.leaving);
    CHECK(one.index->find("any.test", "/").value().app == base::AppId(1));
  }
  CHECK_FALSE(scene.follow());
  CHECK(accepts(first.sockets->address.text()));
  SUBCASE("cut back: the new one leaves") {
    web.config = *web.former;
    web.listeners = web.former_listeners;
    web.former.reset();
    auto back = scene.table();
    CHECK_FALSE(back.at(0).leaving);
    CHECK(back.at(1).leaving);
  }
  SUBCASE("the guard is over: the old one leaves") {
    web.former.reset();
    auto over = scene.table();
    CHECK(over.at(0).leaving);
    CHECK_FALSE(over.at(1).leaving);
  }
}

TEST_CASE("listeners: routes that leave an address stay for the connections that were there") {
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:0")}, {"web.test", "/", {}});
  scene.add("shop", {listener("public", "127.0.0.1:0")}, {"shop.test", "/", {}});
  CHECK(scene.table().at(0).former == nullptr);
  scene.put(web, {listener("own", "127.0.0.2:0")});
  auto moved = scene.table().at(0);
  CHECK_FALSE(moved.leaving);
  CHECK_FALSE(moved.index->find("web.test", "/").has_value());
  REQUIRE(moved.former != nullptr);
  CHECK(moved.former->find("web.test", "/").value().app == base::AppId(1));
  CHECK_FALSE(moved.former->find("shop.test", "/").has_value());
  CHECK(moved.former_until == scene.epoch);
  const base::Epoch until = scene.epoch;
  CHECK(scene.table().at(0).former_until == until);
  CHECK_FALSE(scene.follow());
  scene.now += std::chrono::seconds(20);
  CHECK(scene.follow());
  CHECK(scene.table().at(0).former == nullptr);
  CHECK_FALSE(scene.book.leaving());
}

TEST_CASE("listeners: a listener that gets another name goes on with its sockets") {
  Scene scene;
  // A port that is free just now.
  std::string address;
  {
    Scene other;
    other.add("web", {listener("any", "127.0.0.1:0")});
    address = other.table().at(0).sockets->address.text();
  }
  config::Listener named = listener("public", address);
  named.max_head = 4096;
  auto& web = scene.add("web", {listener(address, address)}, {"web.test", "/", {}});
  auto& shop = scene.add("shop", {listener(address, address)}, {"shop.test", "/", {}});
  auto first = scene.table().at(0);
  scene.put(web, {named});
  auto half = scene.table();
  REQUIRE(half.size() == 1);
  CHECK(half.at(0).sockets == first.sockets);
  CHECK(half.at(0).config == first.config);  // as long as the other app has it
  CHECK(half.at(0).index->find("web.test", "/").value().app == base::AppId(1));
  CHECK(half.at(0).index->find("shop.test", "/").value().app == base::AppId(2));
  scene.put(shop, {named});
  auto whole = scene.table();
  REQUIRE(whole.size() == 1);
  CHECK(whole.at(0).sockets == first.sockets);
  CHECK(whole.at(0).config->name == "public");
  CHECK(whole.at(0).config->max_head == 4096);
}

TEST_CASE("listeners: a wildcard takes over from a single address of its port, and the other way round") {
  std::string port;
  {
    Scene other;
    other.add("web", {listener("any", "127.0.0.1:0")});
    port = std::to_string(other.table().at(0).sockets->address.port().value());
  }
  Scene scene;
  auto& web = scene.add("web", {listener("public", "127.0.0.1:" + port)});
  (void)scene.table();
  scene.put(web, {listener("public", "0.0.0.0:" + port)});
  auto wide = scene.table();
  REQUIRE(wide.size() == 2);
  CHECK(wide.at(0).leaving);
  CHECK(scene.follow());
  CHECK(accepts("127.0.0.2:" + port));
  scene.put(web, {listener("public", "127.0.0.1:" + port)});
  CHECK(scene.table().size() == 2);
  CHECK(scene.follow());
  CHECK(accepts("127.0.0.1:" + port));
  CHECK_FALSE(accepts("127.0.0.2:" + port));
}

TEST_CASE("listeners: one that has an app only as its default stays open") {
  Scene scene;
  config::Listener definition = listener("public", "127.0.0.1:0");
  definition.default_app = "web";
  auto& web = scene.add("web", {definition});
  web.config.listen.clear();
  auto routes = scene.table();
  REQUIRE(routes.size() == 1);
  CHECK(routes.at(0).index->find("any.test", "/").value().app == base::AppId(1));
}

TEST_CASE("listeners: what was opened for nothing closes again") {
  Scene scene;
  std::string address;
  {
    auto opened = scene.book.open({listener("public", "127.0.0.1:0")});
    REQUIRE(opened.has_value());
    address = scene.book.sockets(listener("public", "127.0.0.1:0")).at(0)->address.text();
    CHECK(accepts(address));
  }
  CHECK_FALSE(accepts(address));
}

TEST_CASE("listeners: at the end of the daemon nobody can connect, and nothing is missed") {
  Scene scene;
  scene.add("web", {listener("public", "127.0.0.1:0")});
  (void)scene.table();
  std::string address = scene.book.addresses("public").at(0);
  CHECK(accepts(address));
  scene.book.end_all();
  CHECK_FALSE(accepts(address));
  auto last = scene.table();
  REQUIRE(last.size() == 1);
  CHECK_FALSE(last.at(0).leaving);
  CHECK(scene.book.missing().empty());
}
