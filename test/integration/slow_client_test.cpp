// Slow clients, and clients that leave, beside deploys of the real daemon.
#include <doctest/doctest.h>

#include <deque>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kWeb =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n"
    "drain_timeout = \"60s\"\n";

// A client whose app sends it a line now and then, for longer than any test takes.
HttpConnection stream(const Site& site) {
  auto client = HttpConnection::connect(site.listener());
  REQUIRE(client.has_value());
  REQUIRE(client->send("GET /stream?n=100000&ms=100 HTTP/1.1\r\nHost: h\r\n\r\n").has_value());
  while (client->received().find("\r\n\r\n") == std::string::npos) {
    auto more = client->receive();
    REQUIRE(more.has_value());
    REQUIRE(*more);
  }
  return std::move(*client);
}

bool said(const DaemonProcess& daemon, std::string_view text) {
  return wait_until([&] { return daemon.log().find(text) != std::string::npos; }, std::chrono::seconds(30));
}

}  // namespace

TEST_CASE(
    "slow client: an upload that a deploy overtakes goes to the new generation and is told in the receipt") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto old = daemon.pids("web");
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  REQUIRE(slow->send("POST /pid HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234").has_value());
  std::optional<HttpConnection> watching = stream(site);  // the old generation does not end before this does
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE_MESSAGE(said(daemon, "cutover app=web generation=2"), daemon.log());
  REQUIRE(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids != old;
  }));
  REQUIRE(slow->send("56789").has_value());
  auto answer = slow->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body.find(std::to_string(daemon.pids("web").at(0))) != std::string::npos);
  watching.reset();
  CommandResult result = deploy->wait();
  CHECK_MESSAGE(result.exit_code == 0, result.out);
  CHECK_MESSAGE(result.out.find(", slowest body ") != std::string::npos, result.out);
  CHECK_MESSAGE(result.out.find(" 0 failed") != std::string::npos, result.out);
}

TEST_CASE("slow client: an upload that still comes holds up no deploy") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  REQUIRE(slow->send("POST /pid HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234").has_value());
  REQUIRE(fetch(site.listener()).has_value());
  CommandResult result = daemon.ctl({"deploy", "web"});
  CHECK_MESSAGE(result.exit_code == 0, result.out);
  REQUIRE(slow->send("56789").has_value());
  auto answer = slow->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}

TEST_CASE("slow client: streams that were left neither hold up a deploy nor count in its receipt") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  std::deque<HttpConnection> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(stream(site));
  for (HttpConnection& client : clients) client.finish_sending();
  CommandResult result = daemon.ctl({"deploy", "web"});
  CHECK_MESSAGE(result.exit_code == 0, result.out);
  CHECK_MESSAGE(result.out.find(" 0 failed") != std::string::npos, result.out);
  CHECK_MESSAGE(result.out.find(" 0 cut") != std::string::npos, result.out);
}

TEST_CASE("slow client: a body in chunks without an end has the log say what an interactive app needs") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  std::deque<HttpConnection> clients;
  for (int i = 0; i < 2; ++i) {
    auto client = HttpConnection::connect(site.listener());
    REQUIRE(client.has_value());
    REQUIRE(client->send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
                .has_value());
    clients.push_back(std::move(*client));
  }
  REQUIRE_MESSAGE(said(daemon, "slow-stream app=web "), daemon.log());
  // Once: the second one is counted by now, or soon.
  auto log = daemon.log();
  CHECK(log.find("slow-stream") == log.rfind("slow-stream"));
  CHECK(log.find("proxy_options.request_buffer = 0") != std::string::npos);
}
