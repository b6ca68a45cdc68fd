// Deploys that fail: the old generation serves on, undisturbed and supervised, and the exit code says why.
#include <doctest/doctest.h>

#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string demo(const std::string& switches, const std::string& more = "",
                 const std::string& timeout = "20s") {
  return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"@LISTEN@\"\n" + more +
         "[app.web.restart]\nbackoff = \"50ms\"\n[app.web.deploy]\nguard = \"0s\"\ntimeout = \"" + timeout +
         "\"\n";
}

bool serves(const Site& site, const std::string& version) {
  auto answer = fetch(site.listener());
  return answer && answer->status == 200 && answer->body.find("version " + version + " ") == 0;
}

}  // namespace

TEST_CASE("deploy: a version that never listens exits with 11 and loses nothing") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t old_pid = daemon.pids("web").at(0);
  LoadGenerator load(site.listener(), Request{});
  site.configure(demo("--version-text v2 --never-listen", "", "1s"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 11);
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(result.ok == result.answers_with("version v1 "));
  CHECK(daemon.pids("web").at(0) == old_pid);
  CHECK(wait_until([&] { return daemon.children() == 1; }));
}

TEST_CASE(
    "deploy: a version that exits at once exits with 10 and the old one is restarted from its own spec") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t old_pid = daemon.pids("web").at(0);
  LoadGenerator load(site.listener(), Request{});
  site.configure(demo("--version-text v2 --exit-after 0s --exit-code 3"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 10);
  std::string said = deploy.out + deploy.err;
  CHECK(said.find("exit 3") != std::string::npos);
  CHECK(said.find("exiting with 3, as asked") != std::string::npos);  // its own last words
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);

  REQUIRE(daemon.pids("web").at(0) == old_pid);
  REQUIRE(::kill(old_pid, SIGKILL) == 0);
  CHECK(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != old_pid;
  }));
  CHECK(serves(site, "v1"));
}

TEST_CASE("deploy: a version whose health check fails exits with 11 and shows the probe") {
  Site site;
  site.configure(demo("--version-text v1", "health = \"/health\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(demo("--version-text v2 --unhealthy", "health = \"/health\"\n", "3s"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 11);
  std::string said = deploy.out + deploy.err;
  CHECK(said.find("/health") != std::string::npos);
  CHECK(said.find("503") != std::string::npos);
  CHECK(serves(site, "v1"));
}

TEST_CASE("deploy: a version that listens elsewhere is not healthy and the report says where it listens") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(demo("--version-text v2 --listen-on 127.0.0.2", "", "3s"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 11);
  CHECK((deploy.out + deploy.err).find("127.0.0.2:") != std::string::npos);
  CHECK(serves(site, "v1"));
}

TEST_CASE("deploy: a broken configuration exits with 2 and changes nothing") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t old_pid = daemon.pids("web").at(0);
  site.configure(demo("--version-text v2", "helth = \"/health\"\n"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 2);
  std::string said = deploy.out + deploy.err;
  CHECK(said.find(site.config().string() + ":") != std::string::npos);
  CHECK(said.find("app.web.helth") != std::string::npos);
  CHECK(daemon.pids("web").at(0) == old_pid);
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 1);
  CHECK(serves(site, "v1"));
}

TEST_CASE("deploy: a program that is missing fails the preflight with 9") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure("[app.web]\ncommand = \"/nonexistent/server\"\nlisten = \"@LISTEN@\"\n");
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 9);
  CHECK((deploy.out + deploy.err).find("/nonexistent/server") != std::string::npos);
  CHECK(serves(site, "v1"));
}

TEST_CASE("deploy: a second one meanwhile is busy and exits with 5") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(demo("--version-text v2 --boot-delay 700ms"));
  auto first = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return daemon.children() == 2; }));
  CommandResult second = daemon.ctl({"deploy", "web"});
  INFO(describe(second));
  CHECK(second.exit_code == 5);
  CommandResult result = first->wait();
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(serves(site, "v2"));
}

TEST_CASE("deploy: Ctrl-C in gvctl leaves the deploy going on") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(demo("--version-text v2 --boot-delay 500ms"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return daemon.children() == 2; }));
  deploy->signal(SIGINT);
  CommandResult result = deploy->wait(std::chrono::seconds(3));
  INFO(describe(result));
  CHECK_FALSE(result.timed_out);
  CHECK(result.exit_code != 0);
  CHECK(wait_until([&] { return serves(site, "v2"); }));
}

TEST_CASE("deploy: exit codes for an unknown app and for no daemon") {
  Site site;
  site.configure(demo(""));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CommandResult unknown = daemon.ctl({"deploy", "wbe"});
    INFO(describe(unknown));
    CHECK(unknown.exit_code == 4);
    CHECK((unknown.out + unknown.err).find("wbe") != std::string::npos);
  }
  CommandResult nobody = run_command({GV_CTL, "--socket", site.socket(), "deploy", "web"});
  INFO(describe(nobody));
  CHECK(nobody.exit_code == 3);
  CHECK(nobody.err.find(site.socket().string()) != std::string::npos);
}
