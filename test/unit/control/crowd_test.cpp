// Many clients at the control socket, and few descriptors: who is let in, and who makes room.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <vector>

#include "control/answers.h"
#include "control/client.h"
#include "support/control_server.h"
#include "support/scarce.h"
#include "support/shifted_clock.h"
#include "support/unix_client.h"

using namespace gracevisor;
using namespace gracevisor::control;
using test::ControlServer;
using test::UnixClient;

namespace {

constexpr uid_t kSomebody = 65534;
constexpr std::size_t kForOperators = 56;

void say_hello(const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
  send_json(*response, R"({"hello":1})");
}

using Clients = std::vector<std::unique_ptr<UnixClient>>;

Clients half_open(const ControlServer& server, std::size_t count) {
  Clients clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<UnixClient>(server.path()));
    REQUIRE(clients.back()->connected());
    REQUIRE(clients.back()->send("GET /v1/st"));
  }
  return clients;
}

// As a member of the operator group, who is no admin; only root can become one.
template <class Do>
auto as_operator(Do act) {
  REQUIRE(::seteuid(kSomebody) == 0);
  auto result = act();
  REQUIRE(::seteuid(0) == 0);
  return result;
}

AccessPolicy with_operators() {
  return {0, ::getegid()};
}

// The folder's mode would keep them out.
void let_operators_in(const ControlServer& server) {
  REQUIRE(::chmod(std::filesystem::path(server.path()).parent_path().c_str(), 0755) == 0);
}

int status_of(const ControlServer& server) {
  auto answer = Client(server.path()).ask({http::Method::get, "/v1/status", {}});
  return answer ? answer->status : 0;
}

}  // namespace

TEST_CASE("crowd: a half-open connection that is old makes room for the next and a young one does not") {
  ControlServer server(say_hello);
  Clients crowd = half_open(server, 64);
  REQUIRE(server.eventually_connections(64));
  CHECK(status_of(server) == 503);
  // After 10 s they would go by themselves.
  server.on_loop([] {
    test::shift_clock(std::chrono::seconds(6));
    return 0;
  });
  CHECK(status_of(server) == 200);
  // One has made room, and who came in its place has left.
  CHECK(server.eventually_connections(63));
}

TEST_CASE("crowd: operators cannot lock the admins out") {
  if (::geteuid() != 0) return;
  ControlServer server(say_hello, with_operators());
  let_operators_in(server);
  Clients crowd = as_operator([&] { return half_open(server, kForOperators); });
  REQUIRE(server.eventually_connections(kForOperators));
  CHECK(as_operator([&] { return status_of(server); }) == 503);
  CHECK(status_of(server) == 200);
  Clients admins = half_open(server, 8);
  REQUIRE(server.eventually_connections(64));
  CHECK(status_of(server) == 503);
}

TEST_CASE("crowd: followers have places of their own and some of those are kept for admins") {
  if (::geteuid() != 0) return;
  std::vector<std::shared_ptr<serve::Response>> kept;
  ControlServer server(
      [&](const Request& request, const std::shared_ptr<serve::Response>& response) {
        if (request.path != "/follow") return send_json(*response, "{}");
        if (!response->follow()) return send_error(*response, {"too many follow", ExitCode::busy, {}});
        begin_lines(*response);
        send_line(*response, "{}");
        kept.push_back(response);
      },
      with_operators());
  let_operators_in(server);
  Clients followers;
  auto follow = [&] {
    followers.push_back(std::make_unique<UnixClient>(server.path()));
    REQUIRE(followers.back()->send("GET /follow HTTP/1.1\r\nHost: gv\r\n\r\n"));
    return followers.back()->read_until("{}\n").starts_with("HTTP/1.1 200 ");
  };
  auto refused = [&] {
    auto answer = Client(server.path()).ask({http::Method::get, "/follow", {}});
    return answer && answer->status == 409;
  };
  as_operator([&] {
    for (int i = 0; i < 24; ++i) REQUIRE(follow());
    return 0;
  });
  CHECK(as_operator(refused));
  for (int i = 0; i < 8; ++i) REQUIRE(follow());
  CHECK(refused());
  CHECK(status_of(server) == 200);
  followers.pop_back();
  REQUIRE(server.eventually_connections(31));
  CHECK(follow());
  server.on_loop([&] {
    for (auto& response : kept) response->end();
    kept.clear();
    return 0;
  });
}

TEST_CASE(
    "crowd: without a descriptor in the whole process a client is answered still and somebody is told") {
  ControlServer server(say_hello);
  std::vector<int> told;
  server.on_loop([&] {
    server.server().on_short([&](int code) { told.push_back(code); });
    return 0;
  });
  UnixClient first(server.path());
  REQUIRE(server.eventually_connections(1));
  // The client's own descriptor is the only one that is left.
  auto second = [&] {
    test::Scarce one(1);
    auto client = std::make_unique<UnixClient>(server.path());
    REQUIRE(client->connected());
    REQUIRE(client->send("GET /v1/status HTTP/1.1\r\nHost: gv\r\n\r\n"));
    CHECK(client->read_until("{\"hello\":1}\n").starts_with("HTTP/1.1 200 OK\r\n"));
    return client;
  }();
  CHECK(server.on_loop([&] { return told; }) == std::vector<int>{EMFILE});
}

TEST_CASE("crowd: a socket that somebody removed is bound again and whoever was connected stays") {
  ControlServer server(say_hello);
  UnixClient before(server.path());
  REQUIRE(server.eventually_connections(1));
  auto renew = [&] { return server.on_loop([&] { return server.server().renew_socket(); }); };
  auto in_place = renew();
  REQUIRE(in_place.has_value());
  CHECK_FALSE(*in_place);
  REQUIRE(std::filesystem::remove(server.path()));
  CHECK(status_of(server) == 0);
  auto renewed = renew();
  REQUIRE(renewed.has_value());
  CHECK(*renewed);
  CHECK(status_of(server) == 200);
  REQUIRE(before.send("GET /v1/status HTTP/1.1\r\nHost: gv\r\n\r\n"));
  CHECK(before.read_until("{\"hello\":1}\n").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(server.stop() == 0);
  CHECK_FALSE(std::filesystem::exists(server.path()));
}
