// How many instances start at a time, and what becomes of a start that hangs.
#include <doctest/doctest.h>

#include <string>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// It is starting for as long as the test lasts.
std::string endless_start(const std::string& name) {
  return "[app." + name + "]\ncommand = \"sleep 600\"\nlisten = \"unix:@DIR@/" + name +
         ".public\"\ndeploy = { timeout = \"2h\" }\nstop = { signal = \"KILL\" }\n";
}

std::string with_limit(const Site& site, const std::string& limit, const std::string& apps) {
  return site.daemon_table() + "max_starts = " + limit + "\n" + apps;
}

std::string state_of_instance(const DaemonProcess& daemon, const std::string& app) {
  const auto status = daemon.app(app);
  return status && !status->instances.empty() ? status->instances.front().state : "";
}

bool wait_instance(const DaemonProcess& daemon, const std::string& app, const std::string& state) {
  return wait_until([&] { return state_of_instance(daemon, app) == state; });
}

}  // namespace

TEST_CASE("starts: at boot so many start at a time as max_starts says, in the order of the files") {
  Site site;
  const std::string apps = endless_start("c") + endless_start("b") + endless_start("a");
  site.configure_whole(with_limit(site, "1", apps));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(wait_instance(daemon, "c", "starting"), daemon.log());
  REQUIRE(wait_instance(daemon, "b", "queued"));
  REQUIRE(wait_instance(daemon, "a", "queued"));
  CHECK(daemon.children() == 1);
  CHECK(daemon.app("a")->state == "starting");
  CHECK(daemon.app("a")->instances.front().probe ==
        "1 of 1 places to start are taken, 2 wait for one (daemon.max_starts)");
  const CommandResult status = daemon.ctl({"status"});
  INFO(describe(status));
  CHECK(
      has(status.out, "1.1 is queued: 1 of 1 places to start are taken, 2 wait for one (daemon.max_starts)"));

  // Another limit counts at once.
  site.configure_whole(with_limit(site, "3", apps));
  const CommandResult reloaded = daemon.ctl({"reload"});
  INFO(describe(reloaded));
  REQUIRE(reloaded.exit_code == 0);
  CHECK(wait_instance(daemon, "b", "starting"));
  // A place is left for what somebody waits for.
  CHECK(state_of_instance(daemon, "a") == "queued");
  site.configure_whole(with_limit(site, "4", apps));
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(wait_instance(daemon, "a", "starting"));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("starts: what is stopped while it waits never starts, and makes room for nobody else") {
  Site site;
  site.configure_whole(with_limit(site, "1", endless_start("a") + endless_start("b") + endless_start("c")));
  DaemonProcess daemon(site);
  REQUIRE(wait_instance(daemon, "a", "starting"));
  REQUIRE(wait_instance(daemon, "b", "queued"));
  const CommandResult stopped = daemon.ctl({"stop", "b"});
  INFO(describe(stopped));
  CHECK(stopped.exit_code == 0);
  CHECK(daemon.app("b")->state == "stopped");
  CHECK(state_of_instance(daemon, "c") == "queued");
  CHECK(daemon.ctl({"stop", "a"}).exit_code == 0);
  CHECK(wait_instance(daemon, "c", "starting"));
  CHECK(daemon.children() == 1);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("starts: a deploy and a crashed instance do not wait behind a boot of apps that hang") {
  Site site;
  const std::string served = named_app("web", "@LISTEN@", "restart.backoff = \"10ms\"\n");
  site.configure_whole(with_limit(site, "2", served + endless_start("a") + endless_start("b")));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  REQUIRE(wait_instance(daemon, "a", "starting"));
  REQUIRE(wait_instance(daemon, "b", "queued"));
  const CommandResult deployed = daemon.ctl({"deploy", "web"});
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  CHECK(daemon.ctl({"kill", "web@2.1"}).exit_code == 0);
  CHECK(daemon.wait_healthy("web", 1));
  CHECK(state_of_instance(daemon, "b") == "queued");
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("starts: a deploy of more instances than may start at a time serves in the end") {
  Site site;
  site.configure_whole(with_limit(site, "1", named_app("web", "@LISTEN@", "instances = 4\n")));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 4), daemon.log());
  const CommandResult deployed = daemon.ctl({"deploy", "web"});
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  CHECK(daemon.wait_healthy("web", 4));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("starts: what waits when the daemon is killed is started by the next one") {
  Site site;
  site.configure_whole(with_limit(site, "1", endless_start("a") + endless_start("b")));
  DaemonProcess daemon(site);
  REQUIRE(wait_instance(daemon, "a", "starting"));
  REQUIRE(wait_instance(daemon, "b", "queued"));
  const auto before = daemon.pids("a");
  daemon.kill_daemon();
  REQUIRE(wait_instance(daemon, "b", "queued"));
  CHECK(daemon.pids("a") == before);
  CHECK(daemon.ctl({"stop", "a"}).exit_code == 0);
  CHECK(wait_instance(daemon, "b", "starting"));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE(
    "starts: an app that hangs at boot is told, ended and tried again, and given up as the policy says") {
  Site site;
  site.configure(
      "[app.mute]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/starts; exec sleep 600\"]\n"
      "listen = \"@LISTEN@\"\ndeploy = { timeout = \"400ms\" }\n"
      "restart = { backoff = \"10ms\", max_failures = 3 }\n" +
      named_app("web", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_state("mute", "fatal"), daemon.log());
  CHECK(count(content_of(site.directory() / "starts"), "\n") == 3);
  CHECK(wait_until([&] { return daemon.pids("mute").empty(); }));
  INFO(daemon.log());
  CHECK(count(daemon.log(), "start-timeout app=mute instance=1.1 after_s=0.4") == 3);
  CHECK(has(daemon.log(), "start-failed app=mute generation=1 exit=11"));
  CHECK(has(daemon.log(), "fatal app=mute instance=1.1 failures=3 cause=\"not healthy within 0.4 s\""));
  const CommandResult status = daemon.ctl({"status"});
  INFO(describe(status));
  CHECK(has(status.out, "not healthy within 0.4 s"));
  CHECK(has(status.out, "given up: gvctl logs mute"));
  CHECK(daemon.wait_healthy("web", 1));
  const CommandResult started = daemon.ctl({"start", "mute"});
  INFO(describe(started));
  CHECK(started.exit_code == 11);
  CHECK(daemon.terminate().exit_code == 0);
}
