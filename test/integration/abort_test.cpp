// A deploy that somebody ends: by abort, and by a stop of the app, which lasts.
#include <doctest/doctest.h>
#include <unistd.h>

#include "base/user_text.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string demo(const std::string& switches) {
  return "[app.web]\ncommand = \"@DEMO@ " + switches +
         "\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n[app.web.deploy]\nguard = \"10m\"\n"
         "timeout = \"10m\"\n";
}

bool serves(const Site& site, const std::string& version) {
  auto answer = fetch(site.listener());
  return answer && answer->status == 200 && answer->body.find("version " + version + " ") == 0;
}

bool answers_stopped(const Site& site) {
  auto answer = fetch(site.listener());
  return answer && answer->status == 503 && answer->header("X-Gv-Error") == "stopped";
}

// A deploy of v2 beside v1, which goes no further than the guard, or with `hangs` than its checks.
std::unique_ptr<Command> begin_deploy(Site& site, DaemonProcess& daemon, bool hangs) {
  site.configure(demo(std::string("--version-text v2") + (hangs ? " --never-listen" : "")));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  const char* reached = hangs ? "start " : "cutover ";
  REQUIRE_MESSAGE(wait_until([&] { return deploy->out().find(reached) != std::string::npos; }),
                  deploy->out() << daemon.log());
  return deploy;
}

}  // namespace

TEST_CASE("abort: a deploy that hangs before its cutover ends with 6 and nothing is lost") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  LoadGenerator load(site.listener(), Request{});
  auto deploy = begin_deploy(site, daemon, true);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 5);
  CommandResult abort = daemon.ctl({"abort", "web"});
  INFO(describe(abort) << daemon.log());
  CHECK(abort.exit_code == 0);
  CHECK(abort.out.find("aborted by " + base::user_text(::geteuid())) != std::string::npos);
  CommandResult ended = deploy->wait();
  INFO(describe(ended));
  CHECK(ended.exit_code == 6);
  CHECK(ended.out.find("aborted by " + base::user_text(::geteuid())) != std::string::npos);
  CHECK(load.stop().failed() == 0);
  CHECK(serves(site, "v1"));
  CHECK(wait_until([&] { return daemon.children() == 1; }));
}

TEST_CASE("abort: within the guard the old generation serves again and the deploy ends with 13") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  LoadGenerator load(site.listener(), Request{});
  auto deploy = begin_deploy(site, daemon, false);
  REQUIRE(wait_until([&] { return serves(site, "v2"); }));
  CommandResult abort = daemon.ctl({"abort", "web"});
  INFO(describe(abort) << daemon.log());
  CHECK(abort.exit_code == 0);
  CommandResult ended = deploy->wait();
  INFO(describe(ended));
  CHECK(ended.exit_code == 13);
  CHECK(serves(site, "v1"));
  CHECK(load.stop().failed() == 0);
  CHECK(daemon.app("web")->generation == 1);
}

TEST_CASE("abort: without a deploy it fails and an unknown app exits with 4") {
  Site site;
  site.configure(demo(""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult none = daemon.ctl({"abort", "web"});
  INFO(describe(none));
  CHECK(none.exit_code == 1);
  CHECK(none.err.find("web has no deploy under way") != std::string::npos);
  CHECK(daemon.ctl({"abort", "nothing"}).exit_code == 4);
  CHECK(daemon.ctl({"abort", "web", "nothing"}).exit_code == 8);
}

TEST_CASE("stop: ends a deploy in its checks and in its guard with 6 and leaves no process") {
  for (bool hangs : {true, false}) {
    for (bool now : {false, true}) {
      CAPTURE(hangs);
      CAPTURE(now);
      Site site;
      site.configure(demo("--version-text v1"));
      DaemonProcess daemon(site);
      REQUIRE(daemon.wait_healthy("web", 1));
      auto deploy = begin_deploy(site, daemon, hangs);
      std::vector<std::string> words = {"stop", "web"};
      if (now) words.emplace_back("--now");
      CommandResult stop = daemon.ctl(words);
      INFO(describe(stop) << daemon.log());
      CHECK(stop.exit_code == 0);
      CHECK(stop.out.find("stays stopped: gvctl start web") != std::string::npos);
      CommandResult ended = deploy->wait();
      INFO(describe(ended));
      CHECK(ended.exit_code == 6);
      CHECK(ended.out.find("stopped by " + base::user_text(::geteuid())) != std::string::npos);
      CHECK(daemon.children() == 0);
      CHECK(answers_stopped(site));
      // What never proved itself is not what comes back.
      CHECK(daemon.ctl({"start", "--same", "web"}).exit_code == 0);
      CHECK(serves(site, "v1"));
    }
  }
}

TEST_CASE("stop: lasts over a restart and over a crash of the daemon until a start or a deploy") {
  Site site;
  site.configure(demo("--version-text v1"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
    CHECK(daemon.terminate().exit_code == 0);
  }
  {
    DaemonProcess daemon(site);
    CHECK(daemon.wait_state("web", "stopped"));
    CHECK(daemon.children() == 0);
    CHECK(answers_stopped(site));
    auto app = daemon.app("web");
    REQUIRE(app.has_value());
    CHECK(app->stopped_uid == std::uint64_t{::geteuid()});
    CHECK(app->stopped_s.has_value());
    CHECK(app->generation == 1);
    CommandResult status = daemon.ctl({"status"});
    INFO(describe(status));
    CHECK(status.out.find("stopped by " + base::user_text(::geteuid()) + " ") != std::string::npos);
    CHECK(daemon.ctl({"start", "web"}).exit_code == 0);
    CHECK(serves(site, "v1"));
    CHECK_FALSE(daemon.app("web")->stopped_uid.has_value());
    CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
    daemon.crash();
  }
  DaemonProcess daemon(site);
  CHECK(daemon.wait_state("web", "stopped"));
  CHECK(daemon.children() == 0);
  site.configure(demo("--version-text v2"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 0);
  CHECK(serves(site, "v2"));
  CHECK(daemon.terminate().exit_code == 0);
  DaemonProcess again(site);
  CHECK(again.wait_healthy("web", 1));
}
