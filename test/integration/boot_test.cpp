// A daemon with many apps boots: those that are up serve, and commands are heard, while others still wait for
// their turn.
//
// A boot of few apps may be over before a test has seen anything of it: such tests try again with more apps.
// In a daemon that starts all apps before it looks at anything else they would see it with no number of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// "web", then so many apps without endpoint.
std::string apps(unsigned count) {
  std::string text =
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\n";
  for (unsigned i = 1; i <= count; ++i) {
    text += "[app.job" + std::to_string(i) +
            "]\ncommand = \"sleep 600\"\nendpoint = \"none\"\ndeploy = { settle = \"1ms\" }\n";
  }
  return text;
}

// To be looked at, or for a place to start.
bool waits_for_its_turn(const control::AppStatus& app) {
  return app.state == "starting" &&
         std::ranges::all_of(app.instances, [](const auto& one) { return one.state == "queued"; });
}

// Runs `scene` on daemons with more and more apps, until it has found the last of them waiting for its turn.
void while_booting(
    const std::function<bool(Site& site, DaemonProcess& daemon, const std::string& last)>& scene) {
  bool seen = false;
  for (unsigned count = 60; !seen && count <= 240; count *= 2) {
    Site site;
    site.configure(apps(count));
    DaemonProcess daemon(site);
    seen = scene(site, daemon, "job" + std::to_string(count));
  }
  CHECK(seen);
}

}  // namespace

TEST_CASE("boot: the first app answers while later ones wait for their turn, and all come up in the end") {
  while_booting([](Site& site, DaemonProcess& daemon, const std::string& last) {
    auto answer = fetch(site.listener());
    auto then = daemon.app(last);
    REQUIRE_MESSAGE(answer.has_value(), daemon.log());
    CHECK(answer->status == 200);
    REQUIRE(then.has_value());
    REQUIRE(daemon.wait_state(last, "live", std::chrono::seconds(60)));
    auto status = daemon.status();
    REQUIRE(status.has_value());
    for (const control::AppStatus& app : status->apps) CHECK_MESSAGE(app.healthy == 1, app.name);
    CHECK(daemon.children() == status->apps.size());
    std::string log = daemon.log();
    for (const control::AppStatus& app : status->apps) {
      CHECK(log.find("started app=" + app.name + " generation=1\n") != std::string::npos);
    }
    CHECK(daemon.terminate().exit_code == 0);
    return waits_for_its_turn(*then);
  });
}

TEST_CASE("boot: an app that waits for its turn is started for a command, and stopped by it") {
  while_booting([](Site& /*site*/, DaemonProcess& daemon, const std::string& last) {
    auto before = daemon.app(last);
    REQUIRE(before.has_value());
    CommandResult stopped = daemon.ctl({"stop", last});
    INFO(describe(stopped));
    CHECK(stopped.exit_code == 0);
    auto after = daemon.app(last);
    REQUIRE(after.has_value());
    CHECK(after->state == "stopped");
    CHECK(after->generation == 1);
    CommandResult started = daemon.ctl({"start", last});
    INFO(describe(started));
    CHECK(started.exit_code == 0);
    CommandResult deployed = daemon.ctl({"deploy", last});
    INFO(describe(deployed));
    CHECK(deployed.exit_code == 0);
    CHECK(daemon.app(last)->generation == 2);
    CHECK(daemon.wait_healthy("web", 1));
    return waits_for_its_turn(*before);
  });
}

TEST_CASE("boot: a shutdown in the middle of it starts nothing any more and leaves nothing behind") {
  while_booting([](Site& /*site*/, DaemonProcess& daemon, const std::string& last) {
    auto then = daemon.app(last);
    REQUIRE(then.has_value());
    CommandResult end = daemon.terminate();
    INFO(describe(end));
    CHECK(end.exit_code == 0);
    const bool never_started = daemon.log().find("exit app=" + last + " ") == std::string::npos;
    CHECK(daemon.log().find("start app=") == std::string::npos);
    return waits_for_its_turn(*then) && never_started;
  });
}

TEST_CASE("boot: until its turn comes an app is routed as it was when it served") {
  Site site;
  const std::string moved = apps(60) + "[app.last]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nroute = ";
  site.configure(moved + "\"old.example.com\"\n");
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("last", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  site.configure(moved + "\"new.example.com\"\n");
  DaemonProcess daemon(site);
  Request request;
  request.host = "old.example.com";
  auto answer = fetch(site.listener(), request);
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
}
