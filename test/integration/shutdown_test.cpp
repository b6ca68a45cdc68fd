// The end of the daemon: drained, complete, and quicker when asked again.
#include <doctest/doctest.h>

#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

TEST_CASE("shutdown: SIGTERM lets requests finish, stops the apps and leaves no process") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
      "[app.worker]\ncommand = \"sleep 600\"\nendpoint = \"none\"\n"
      "[app.worker.deploy]\nsettle = \"50ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  REQUIRE(daemon.wait_healthy("worker", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=1000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && app->instances.at(0).in_flight + app->instances.at(1).in_flight == 1;
  }));
  daemon.signal(SIGTERM);
  auto answer = slow->read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK_FALSE(answer->keep_alive);
  CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK_FALSE(HttpConnection::connect(site.listener()).has_value());
}

TEST_CASE("shutdown: an idle client connection does not delay it") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto idle = HttpConnection::connect(site.listener());
  REQUIRE(idle.has_value());
  REQUIRE(idle->get("/").has_value());
  auto began = std::chrono::steady_clock::now();
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK(wait_until([&] { return idle->closed_by_server(); }));
}

TEST_CASE("shutdown: a second SIGTERM does not wait for requests") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.stop]\ntimeout = \"500ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=60000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  daemon.signal(SIGTERM);
  // It drains now: nobody new is let in, and the request goes on.
  REQUIRE(wait_until([&] { return !HttpConnection::connect(site.listener()).has_value(); }));
  CHECK(daemon.running());
  CHECK_FALSE(slow->closed_by_server());
  daemon.signal(SIGTERM);
  CommandResult end = daemon.wait_end(std::chrono::seconds(8));
  INFO(describe(end));
  CHECK_FALSE(end.timed_out);
}

TEST_CASE("shutdown: apps that ignore the signal are killed with their whole group") {
  Site site;
  site.configure(
      "[app.stubborn]\ncommand = [\"/bin/sh\", \"-c\", \"trap '' TERM; sleep 600 & sleep 600\"]\n"
      "endpoint = \"none\"\n[app.stubborn.deploy]\nsettle = \"50ms\"\n"
      "[app.stubborn.stop]\ntimeout = \"300ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("stubborn", 1));
  REQUIRE(wait_until([&] { return daemon.children() == 3; }));
  CommandResult end = daemon.terminate();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
}

TEST_CASE("shutdown: gvctl shutdown does the same") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult shutdown = daemon.ctl({"shutdown"});
  INFO(describe(shutdown));
  CHECK(shutdown.exit_code == 0);
  CHECK(daemon.wait_end().exit_code == 0);
}

TEST_CASE("shutdown: during a deploy nothing is left either") {
  Site site;
  auto config = [](const std::string& switches) {
    return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"@LISTEN@\"\n";
  };
  site.configure(config(""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(config("--never-listen"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return daemon.children() == 2; }));
  daemon.signal(SIGTERM);
  CommandResult aborted = deploy->wait();
  INFO(describe(aborted));
  CHECK(aborted.exit_code == 6);
  CHECK(daemon.wait_end().exit_code == 0);
}
