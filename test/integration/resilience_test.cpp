// What clients notice of instances that die, hang, stream or are busy: the experiments E6, E9, E10 and E12 of
// the design's deploy page.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <vector>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::milliseconds;

namespace {

using Clock = std::chrono::steady_clock;

milliseconds since(Clock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - then);
}

}  // namespace

TEST_CASE("E6: each event of a stream reaches the client as it comes") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener());
  REQUIRE(client.has_value());
  REQUIRE(client->send("GET /stream?n=4&ms=300 HTTP/1.1\r\nHost: h\r\n\r\n").has_value());
  auto body = [&] {
    auto end = client->received().find("\r\n\r\n");
    return end == std::string::npos ? std::string() : client->received().substr(end + 4);
  };
  // A line and its framing; the next one follows 300 ms later.
  while (body().find("\n\r\n") == std::string::npos) {
    auto more = client->receive();
    REQUIRE(more.has_value());
    REQUIRE(*more);
  }
  std::string first = body();
  CHECK(first.find("\n\r\n") == first.size() - 3);
  auto whole = client->read_response();
  REQUIRE_MESSAGE(whole.has_value(), daemon.log());
  CHECK(whole->chunked);
  CHECK(std::count(whole->body.begin(), whole->body.end(), '\n') == 4);
}

TEST_CASE("E9: kill -9 of the only instance under load fails no idempotent request") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.restart]\nbackoff = \"50ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  LoadGenerator load(site.listener(), Request{}, 8);
  for (int i = 0; i < 5; ++i) {
    pid_t victim = daemon.pids("web").at(0);
    std::string its_answers = " pid " + std::to_string(victim) + " ";
    REQUIRE(wait_until([&] { return load.so_far().answers_with(its_answers) > 20; }));
    REQUIRE(::kill(victim, SIGKILL) == 0);
    REQUIRE(wait_until([&] {
      auto pids = daemon.pids("web");
      return pids.size() == 1 && pids.front() != victim;
    }));
  }
  LoadResult result = load.stop();
  INFO(describe(result) << "\n" << daemon.log());
  CHECK(result.failed() == 0);
}

TEST_CASE("E10: an instance that hangs costs 504 at the limit, and is replaced") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.health]\npath = \"/health\"\ninterval = \"100ms\"\ntimeout = \"100ms\"\naction = "
      "\"restart\"\n"
      "[app.web.stop]\ntimeout = \"200ms\"\n[app.web.restart]\nbackoff = \"50ms\"\n"
      "[app.web.proxy_options]\nrequest_timeout = \"300ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t victim = daemon.pids("web").at(0);
  REQUIRE(::kill(victim, SIGSTOP) == 0);
  auto began = Clock::now();
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 504);
  CHECK(answer->header("X-Gv-Error") == "upstream-timeout");
  CHECK(since(began) >= milliseconds(300));
  CHECK(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != victim;
  }));
  answer = fetch(site.listener());
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
}

TEST_CASE("E12: other requests do not wait while a long one drains") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Request slow;
  slow.target = "/slow?ms=1500";
  auto pending =
      std::async(std::launch::async, [&] { return fetch(site.listener(), slow, std::chrono::seconds(20)); });
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && !app->instances.empty() && app->instances.front().in_flight == 1;
  }));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && app->generation == 2;
  }));
  // The first is still under way, and so is its drain.
  int served = 0;
  while (pending.wait_for(milliseconds(0)) == std::future_status::timeout) {
    auto answer = fetch(site.listener());
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    ++served;
  }
  CHECK(served > 1);
  auto answer = pending.get();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK(deploy->wait(std::chrono::seconds(20)).exit_code == 0);
}
