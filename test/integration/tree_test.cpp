// An instance ends with everything that came from it, on every way to its end.
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/told_child.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// Its child outlives it, in a session of its own, with its listening socket.
constexpr std::string_view kInheriting =
    "[app.web]\ncommand = [\"@PYTHON@\", \"@SUPPORT@/inheriting_app.py\"]\nlisten = \"@LISTEN@\"\n"
    "health = \"tcp\"\n"
    "[app.web.log]\nstdout = \"@DIR@/web.log\"\n";

pid_t told_child(const Site& site) {
  return test::told_child(site.directory() / "web.log");
}

}  // namespace

TEST_CASE("tree: a daemonised child that holds a listening socket is gone when a stop is done") {
  Site site;
  site.configure(kInheriting);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t child = told_child(site);
  REQUIRE(alive(child));
  REQUIRE(::getsid(child) != daemon.pids("web").at(0));
  CommandResult stop = daemon.ctl({"stop", "web"});
  INFO(describe(stop));
  CHECK(stop.exit_code == 0);
  CHECK_FALSE(alive(child));
}

TEST_CASE("tree: a daemonised child of the old generation is gone when a deploy is done") {
  Site site;
  site.configure(kInheriting);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t child = told_child(site);
  site.configure(std::string(kInheriting) + "[app.web.deploy]\nguard = \"0s\"\n");
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  REQUIRE(deploy.exit_code == 0);
  CHECK(wait_until([&] { return !alive(child); }));
  pid_t next = told_child(site);
  CHECK(next != child);
  CHECK(alive(next));
}

TEST_CASE("tree: a daemonised child is gone when the daemon has ended") {
  Site site;
  site.configure(kInheriting);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t child = told_child(site);
  REQUIRE(alive(child));
  CommandResult end = daemon.terminate();  // checks that nobody is left
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK_FALSE(alive(child));
}

TEST_CASE("tree: a daemonised child is gone before the next incarnation of a crashed instance begins") {
  Site site;
  site.configure(std::string(kInheriting) + "[app.web.restart]\nbackoff = \"100ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t child = told_child(site);
  pid_t main = daemon.pids("web").at(0);
  REQUIRE(::kill(main, SIGKILL) == 0);
  REQUIRE(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != main;
  }));
  CHECK_FALSE(alive(child));
}

TEST_CASE("tree: leftovers that are to stay are named in status and keep their port to themselves") {
  Site site;
  site.configure(std::string(kInheriting) + "[app.web.stop]\nleftover = \"leave\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t child = told_child(site);
  std::string place = daemon.app("web")->instances.at(0).endpoint;
  REQUIRE_FALSE(place.empty());
  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  CHECK(alive(child));
  auto named = [&] {
    auto app = daemon.app("web");
    std::string what = "1.1 ended and left pid " + std::to_string(child);
    for (const std::string& problem : app ? test::texts(app->problems) : std::vector<std::string>{}) {
      if (problem.find(what) != std::string::npos && problem.find(place) != std::string::npos) return true;
    }
    return false;
  };
  CHECK(named());
  CHECK(daemon.log().find("left app=web instance=1.1 processes=\"pid " + std::to_string(child)) !=
        std::string::npos);
  REQUIRE(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->instances.at(0).endpoint != place);
  CHECK(named());
  REQUIRE(::kill(child, SIGKILL) == 0);
  CHECK(wait_until([&] { return !named(); }, std::chrono::seconds(30)));
  // The daemon ends beside what is to stay.
  pid_t second = told_child(site);
  daemon.signal(SIGTERM);
  REQUIRE(wait_until([&] { return !daemon.running(); }, std::chrono::seconds(20)));
  CHECK(alive(second));
  REQUIRE(::kill(second, SIGKILL) == 0);
  REQUIRE(wait_until([&] { return !alive(second); }));
  CHECK(daemon.wait_end().exit_code == 0);
}

TEST_CASE("tree: a command that goes to the background is told so in the receipt") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(
      "[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"setsid @DEMO@ & exit 0\"]\nlisten = \"@LISTEN@\"\n");
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 10);
  CHECK(deploy.out.find("exit 0 with 1 process left: the command must stay in the foreground") !=
        std::string::npos);
  CHECK(wait_until([&] { return daemon.children() == 1; }));
  CHECK(daemon.wait_healthy("web", 1));
}
