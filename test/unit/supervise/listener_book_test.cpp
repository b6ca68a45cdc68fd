#include "supervise/listener_book.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

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

config::App app(const std::string& name, const std::string& listen, config::Route route = {}) {
  config::App result;
  result.name = name;
  result.listen = {listen};
  result.routes = {std::move(route)};
  return result;
}

bool accepts(const std::string& address) {
  auto target = base::Address::parse(address).value();
  base::UniqueFd client(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(client.get(), target.get(), target.length()) == 0;
}

}  // namespace

TEST_CASE("listeners: what is opened answers, and is listed once it is committed") {
  ListenerBook book(2);
  auto opened = book.open({listener("public", "127.0.0.1:0")});
  REQUIRE(opened.has_value());
  config::App web = app("web", "public");
  std::vector<FacingApp> apps = {{base::AppId(1), &web}};
  CHECK(book.routes(apps, base::Epoch(1)).empty());
  book.commit(std::move(*opened));
  auto routes = book.routes(apps, base::Epoch(2));
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].sockets->sockets.size() == 2);
  CHECK(routes[0].index->find("any.example", "/x").value().app == base::AppId(1));
  CHECK(accepts(book.addresses("public").at(0)));
}

TEST_CASE("listeners: another access log comes into force with the next commit, on the same sockets") {
  ListenerBook book(1);
  config::Listener definition = listener("public", "127.0.0.1:0");
  config::App web = app("web", "public");
  std::vector<FacingApp> apps = {{base::AppId(1), &web}};
  book.commit(std::move(*book.open({definition})));
  auto before = book.routes(apps, base::Epoch(1));
  REQUIRE(before.size() == 1);
  CHECK(before[0].access == nullptr);
  definition.access_log = "/l/access.log";
  definition.access_format = config::AccessFormat::combined;
  book.commit(std::move(*book.open({definition})));
  auto after = book.routes(apps, base::Epoch(2));
  REQUIRE(after.size() == 1);
  CHECK(after[0].sockets == before[0].sockets);
  REQUIRE(after[0].access != nullptr);
  CHECK(*after[0].access ==
        routing::AccessSink{"/l/access.log", config::AccessFormat::combined, 50ULL << 20, 5});
}

TEST_CASE("listeners: a busy address is an error that names listener and address, and opens nothing") {
  ListenerBook book(1);
  auto first = book.open({listener("public", "127.0.0.1:0")});
  REQUIRE(first.has_value());
  book.commit(std::move(*first));
  std::string taken = book.addresses("public").at(0);
  auto second = book.open({listener("fresh", "127.0.0.1:0"), listener("other", taken)});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().what.find("other") != std::string::npos);
  CHECK(second.error().what.find(taken) != std::string::npos);
  CHECK(book.addresses("fresh").empty());
}

TEST_CASE("listeners: an index is built anew only when its routes change") {
  ListenerBook book(1);
  book.commit(std::move(book.open({listener("public", "127.0.0.1:0")}).value()));
  config::App web = app("web", "public");
  std::vector<FacingApp> apps = {{base::AppId(1), &web}};
  auto before = book.routes(apps, base::Epoch(1)).at(0).index;
  CHECK(book.routes(apps, base::Epoch(2)).at(0).index == before);
  web.routes = {config::Route{"example.com", "/api", {}}};
  auto after = book.routes(apps, base::Epoch(3)).at(0).index;
  CHECK(after != before);
  CHECK_FALSE(after->find("other.example", "/api").has_value());
  CHECK(after->find("example.com", "/api/x").value().app == base::AppId(1));

  config::App shop = app("shop", "public", {"example.com", "/shop", {}});
  apps.push_back({base::AppId(2), &shop});
  auto more = book.routes(apps, base::Epoch(4)).at(0).index;
  CHECK(more->find("example.com", "/shop").value().app == base::AppId(2));
  CHECK(book.routes(apps, base::Epoch(5)).at(0).index == more);
  apps.pop_back();
  auto fewer = book.routes(apps, base::Epoch(6)).at(0).index;
  CHECK_FALSE(fewer->find("example.com", "/shop").has_value());
  web.routes.clear();
  CHECK_FALSE(book.routes(apps, base::Epoch(7)).at(0).index->find("example.com", "/api").has_value());
}

TEST_CASE("listeners: an address that stays is not opened again, one that goes refuses after the adoption") {
  ListenerBook book(1);
  book.commit(std::move(book.open({listener("public", "127.0.0.1:0")}).value()));
  config::App web = app("web", "public");
  std::vector<FacingApp> apps = {{base::AppId(1), &web}};
  auto first = book.routes(apps, base::Epoch(1));
  std::string old_address = book.addresses("public").at(0);

  config::Listener changed = listener("public", "127.0.0.1:0");  // the same words, another address beside it
  changed.addresses.push_back(base::Address::parse("127.0.0.3:0").value());
  book.commit(std::move(book.open({changed}).value()));
  CHECK(book.routes(apps, base::Epoch(2)).at(0).sockets == first.at(0).sockets);

  book.commit(std::move(book.open({listener("public", "127.0.0.2:0")}).value()));
  auto moved = book.routes(apps, base::Epoch(3));
  REQUIRE(moved.size() == 1);
  CHECK(accepts(old_address));  // a worker may still be accepting there
  book.end_given_up(base::Epoch(2));
  CHECK(accepts(old_address));
  // Although `first`, as an exchange's old table would, still has the descriptors.
  book.end_given_up(base::Epoch(3));
  CHECK_FALSE(accepts(old_address));
  CHECK(accepts(book.addresses("public").at(0)));
}

TEST_CASE("listeners: one that no app uses any more is given up") {
  ListenerBook book(1);
  book.commit(std::move(book.open({listener("public", "127.0.0.1:0")}).value()));
  std::string address = book.addresses("public").at(0);
  CHECK(book.routes({}, base::Epoch(1)).empty());
  book.end_given_up(base::Epoch(1));
  CHECK_FALSE(accepts(address));
  CHECK(book.addresses("public").empty());
}

TEST_CASE("listeners: at the end of the daemon nobody can connect") {
  ListenerBook book(1);
  book.commit(std::move(book.open({listener("public", "127.0.0.1:0")}).value()));
  std::string address = book.addresses("public").at(0);
  CHECK(accepts(address));
  book.end_all();
  CHECK_FALSE(accepts(address));
}
