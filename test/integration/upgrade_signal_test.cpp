// Signals while there are two daemons: they end both, and all apps.
#include <doctest/doctest.h>

#include <csignal>

#include "support/named_apps.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{40};

}  // namespace

TEST_CASE("upgrade: TERM in the overlap ends both daemons and all apps") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@", "deploy.drain_timeout = \"2s\"\n") +
                 named_app("api", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("api", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  const pid_t former = owner(daemon);
  (void)upgrade_well(daemon);
  REQUIRE(predecessor(daemon) == former);
  daemon.signal(SIGTERM);
  CHECK(socket->wait_closed() == 1012);
  const CommandResult end = daemon.wait_end(kPatience);
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(has(end.err, "shutdown stage=over"));
  CHECK(has(end.err, "exit app=api instance=1.1 status=\"exit 0\""));
  CHECK_FALSE(alive(former));
}

TEST_CASE("upgrade: TERM in the overlap lets the requests end that the former daemon has") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener(), kPatience);
  REQUIRE(client.has_value());
  REQUIRE(client->send("GET /slow?ms=2000 HTTP/1.1\r\nHost: localhost\r\n\r\n").has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  const auto upgrading = daemon.ctl_beside({"--json", "upgrade", "--wait"});
  REQUIRE_MESSAGE(wait_until([&] { return has(upgrading->out(), "\"phase\":\"handed\""); }, kPatience),
                  upgrading->out() << upgrading->err() << daemon.log());
  daemon.signal(SIGTERM);
  const auto answer = client->read_response();
  // Before wait_end(), which kills what is left.
  (void)upgrading->wait(kPatience);
  const CommandResult end = daemon.wait_end(kPatience);
  INFO(describe(end));
  REQUIRE_MESSAGE(answer.has_value(), answer.error().what);
  CHECK(answer->status == 200);
  CHECK(end.exit_code == 0);
}

TEST_CASE("upgrade: TERM while a successor starts ends everything all the same") {
  for (const bool deaf : {true, false}) {
    CAPTURE(deaf);
    Site site;
    site.configure(named_app("web", "@LISTEN@"));
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    std::vector<std::string> words{"--json", "upgrade", "--wait"};
    if (deaf) {
      words.emplace_back("--to");
      words.push_back(stand_in(site, "deaf").string());
    }
    const auto upgrading = daemon.ctl_beside(words);
    REQUIRE(wait_started(*upgrading) > 0);
    daemon.signal(SIGTERM);
    // Before wait_end(), which kills what is left.
    const CommandResult told = upgrading->wait(kPatience);
    const CommandResult end = daemon.wait_end(kPatience);
    INFO(describe(told) << describe(end));
    CHECK(end.exit_code == 0);
    CHECK(has(end.err, "exit app=web instance=1.1 status=\"exit 0\""));
    if (deaf) CHECK(told.exit_code == 1);
  }
}

TEST_CASE("upgrade: USR2 again and again starts one successor at a time and leaves one daemon") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const Population before = app_processes(daemon);
  const pid_t first = owner(daemon);
  for (int i = 0; i < 5; ++i) daemon.signal(SIGUSR2);
  REQUIRE(wait_until([&] { return owner(daemon) != first && owner(daemon) != 0; }, kPatience));
  for (int i = 0; i < 5; ++i) daemon.signal(SIGUSR2);
  // One that is asked for through the control socket comes after them.
  REQUIRE(wait_until([&] { return upgrade(daemon, {"--wait"}).result.exit_code == 0; }, kPatience));
  CHECK(wait_alone(daemon));
  CHECK(app_processes(daemon) == before);
  CHECK(served_by(site.listener()) == "web");
  CHECK(daemon.terminate().exit_code == 0);
}
