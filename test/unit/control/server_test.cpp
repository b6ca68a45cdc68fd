// A real server and whole answers: permissions of the socket's file, requests as handlers see them, refusals.
#include "control/server.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "control/answers.h"
#include "control/client.h"
#include "support/control_server.h"
#include "support/unix_client.h"

using namespace gracevisor;
using namespace gracevisor::control;
using test::ControlServer;
using test::UnixClient;

namespace {

void say_hello(const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
  send_json(*response, R"({"hello":1})");
}

std::string post(const std::string& headers, const std::string& body) {
  return "POST /v1/apps/web/stop HTTP/1.1\r\nHost: gv\r\n" + headers + "\r\n" + body;
}

// The first line of what a client gets that sends these bytes and reads to the end.
std::string status_line(const ControlServer& server, const std::string& bytes) {
  UnixClient client(server.path());
  REQUIRE(client.connected());
  (void)client.send(bytes);  // the server may close before it has read all
  std::string all = client.read_all();
  return all.substr(0, all.find('\r'));
}

}  // namespace

TEST_CASE("server: the socket's file has the policy's mode") {
  ControlServer own(say_hello);
  ControlServer shared(say_hello, AccessPolicy{::geteuid(), ::getegid()});
  struct stat st{};
  REQUIRE(::stat(own.path().c_str(), &st) == 0);
  CHECK((st.st_mode & 07777U) == 0600);
  REQUIRE(::stat(shared.path().c_str(), &st) == 0);
  CHECK((st.st_mode & 07777U) == 0660);
  CHECK(own.stop() == 0);
  CHECK_FALSE(std::filesystem::exists(own.path()));
}

TEST_CASE("server: a handler sees the method, the decoded target, the body and who asks") {
  std::vector<Request> seen;
  ControlServer server([&](const Request& request, const std::shared_ptr<serve::Response>& response) {
    seen.push_back(request);
    send_json(*response, "{}");
  });
  Client client(server.path());
  REQUIRE(client.ask({http::Method::get, "/v1/apps/web/logs?n=10&instance=43%2E1", {}}));
  REQUIRE(client.ask({http::Method::post, "/v1/apps/web/stop", R"({"now":true})"}));
  CHECK(server.stop() == 0);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].method == http::Method::get);
  CHECK(seen[0].path == "/v1/apps/web/logs");
  CHECK(seen[0].query.at("n") == "10");
  CHECK(seen[0].query.at("instance") == "43.1");
  CHECK(seen[0].body.empty());
  CHECK(seen[0].peer.uid == ::geteuid());
  CHECK(seen[0].peer.pid == ::getpid());
  CHECK(seen[0].peer.role == Role::admin);
  CHECK(seen[1].method == http::Method::post);
  CHECK(seen[1].body == R"({"now":true})");
}

TEST_CASE("server: garbage is refused with an answer and the handler never hears of it") {
  int handled = 0;
  ControlServer server([&](const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
    ++handled;
    send_json(*response, "{}");
  });
  CHECK(status_line(server, "\x16\x03\x01 tls?\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(status_line(server, "GET /a%zz HTTP/1.1\r\nHost: gv\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(status_line(server, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));  // no Host
  CHECK(status_line(server, post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"))
            .starts_with("HTTP/1.1 400 "));
  CHECK(status_line(server, post("Transfer-Encoding: chunked\r\n", "zz\r\n")).starts_with("HTTP/1.1 400 "));
  CHECK(status_line(server, "DELETE /v1/status HTTP/1.1\r\nHost: gv\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(status_line(server, "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: gv\r\n\r\n")
            .starts_with("HTTP/1.1 414 "));
  CHECK(status_line(server, "GET / HTTP/1.1\r\nHost: gv\r\nX: " + std::string(200000, 'a'))
            .starts_with("HTTP/1.1 431 "));
  CHECK(server.stop() == 0);
  CHECK(handled == 0);
}

TEST_CASE("server: HEAD is refused without a body") {
  ControlServer server(say_hello);
  UnixClient client(server.path());
  REQUIRE(client.send("HEAD /v1/status HTTP/1.1\r\nHost: gv\r\n\r\n"));
  std::string all = client.read_all();
  CHECK(all.starts_with("HTTP/1.1 405 "));
  CHECK(all.ends_with("\r\n\r\n"));
}

TEST_CASE("server: a body beyond 1 MiB is refused, announced or not, and one of 1 MiB is not") {
  std::size_t size = 0;
  ControlServer server([&](const Request& request, const std::shared_ptr<serve::Response>& response) {
    size = request.body.size();
    send_json(*response, "{}");
  });
  constexpr std::size_t kMost = 1U << 20;
  CHECK(status_line(server, post("Content-Length: 1048577\r\n", "")).starts_with("HTTP/1.1 413 "));
  CHECK(
      status_line(server, post("Transfer-Encoding: chunked\r\n", "100001\r\n" + std::string(kMost + 1, 'x')))
          .starts_with("HTTP/1.1 413 "));
  Client client(server.path());
  auto answer = client.ask({http::Method::post, "/", std::string(kMost, 'x')});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  auto refused = client.ask({http::Method::post, "/", std::string(kMost * 4, 'x')});
  REQUIRE(refused);
  CHECK(refused->status == 413);
  CHECK(read_error(refused->status, refused->body).error == "the request's body is longer than 1 MiB");
  CHECK(server.stop() == 0);
  CHECK(size == kMost);
}

TEST_CASE("server: somebody who may not is refused whatever the request") {
  if (::geteuid() != 0) return;  // only root can become a stranger
  int handled = 0;
  ControlServer server(
      [&](const Request& /*request*/, const std::shared_ptr<serve::Response>& /*response*/) { ++handled; });
  // The file's mode and the folder's keep strangers out; the check of the credentials is behind them.
  REQUIRE(::chmod(server.path().c_str(), 0666) == 0);
  REQUIRE(::chmod(std::filesystem::path(server.path()).parent_path().c_str(), 0755) == 0);
  constexpr uid_t kStranger = 65534;
  REQUIRE(::seteuid(kStranger) == 0);
  auto answer = Client(server.path()).ask({http::Method::post, "/v1/shutdown", "{}"});
  REQUIRE(::seteuid(0) == 0);
  REQUIRE(answer);
  CHECK(answer->status == 403);
  Error error = read_error(answer->status, answer->body);
  CHECK(error.exit == ExitCode::not_permitted);
  CHECK(error.error == "user 65534 may not use the control socket");
  CHECK(server.stop() == 0);
  CHECK(handled == 0);
}

TEST_CASE("server: of a crowd 64 are let in and the rest is told so") {
  ControlServer server(say_hello);
  std::vector<std::unique_ptr<UnixClient>> crowd;
  for (int i = 0; i < 64; ++i) {
    crowd.push_back(std::make_unique<UnixClient>(server.path()));
    REQUIRE(crowd.back()->connected());
  }
  REQUIRE(server.eventually_connections(64));
  auto refused = Client(server.path()).ask({http::Method::get, "/v1/status", {}});
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(read_error(503, refused->body).exit == ExitCode::busy);
  CHECK(UnixClient(server.path()).read_all() ==
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 63\r\n"
        "Connection: close\r\n\r\n"
        R"({"error":"too many connections to the control socket","exit":5})");
  crowd.pop_back();
  REQUIRE(server.eventually_connections(63));
  auto answer = Client(server.path()).ask({http::Method::get, "/v1/status", {}});
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE("server: a second server at the same path is refused") {
  ControlServer server(say_hello);
  auto loop = loop::Loop::create();
  REQUIRE(loop);
  struct Nobody final : Handler {
    void handle(const Request& /*request*/, std::shared_ptr<serve::Response> /*response*/) override {}
  } nobody;
  auto second = Server::open(**loop, server.path(), access_policy(""), nobody);
  REQUIRE_FALSE(second);
  CHECK(second.error().what.find("another process answers on") == 0);
  CHECK((*loop)->close() == 0);
  CHECK(Client(server.path()).ask({http::Method::get, "/", {}}));
}
