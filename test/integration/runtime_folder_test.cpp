// A cleaner of temporary files removes the runtime folder of a daemon that serves.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

namespace fs = std::filesystem;

std::string demo(const std::string& endpoint, const std::string& how) {
  return "[app.web]\ncommand = \"@DEMO@" + how + "\"\nendpoint = \"" + endpoint +
         "\"\nlisten = \"@LISTEN@\"\ninstances = 2\n"
         "health = { path = \"/health\", interval = \"50ms\" }\nrestart = { backoff = \"10ms\" }\n";
}

// It looks once a minute, and when it is asked to open its files anew.
bool answers_again(const DaemonProcess& daemon) {
  return wait_until(
      [&] {
        daemon.signal(SIGUSR1);
        return daemon.ctl({"version"}).exit_code == 0;
      },
      std::chrono::seconds(20));
}

}  // namespace

TEST_CASE("runtime folder: the control socket is bound again and the lock holds against a second daemon") {
  Site site;
  site.configure(demo("port", ""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  fs::remove_all(site.directory() / "run");
  CHECK(daemon.ctl({"version"}).exit_code == 3);
  REQUIRE_MESSAGE(answers_again(daemon), daemon.log());
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  CHECK(daemon.log().find("it was removed: made again") != std::string::npos);
  CHECK(daemon.log().find("it was removed: bound again") != std::string::npos);
  CommandResult second = run_command({GV_DAEMON, "-c", site.config().string()}, std::chrono::seconds(20));
  CHECK(second.exit_code != 0);
  CHECK(second.err.find("another gracevisord (pid " + std::to_string(daemon.pid()) + ")") !=
        std::string::npos);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("runtime folder: instances whose sockets went with it are replaced and reached again") {
  for (auto [endpoint, how] : {std::pair{"socket", " --socket {socket}"}, {"fd", " --fd"}}) {
    CAPTURE(endpoint);
    Site site;
    site.configure(demo(endpoint, how));
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    auto before = daemon.pids("web");
    fs::remove_all(site.directory() / "run");
    REQUIRE_MESSAGE(answers_again(daemon), daemon.log());
    CHECK(wait_until(
        [&] {
          daemon.signal(SIGUSR1);
          auto now = daemon.pids("web");
          return now.size() == 2 && now[0] != before[0] && now[1] != before[1];
        },
        std::chrono::seconds(30)));
    CHECK(daemon.log().find("cause=\"its socket was removed\"") != std::string::npos);
    auto answer = fetch(site.listener());
    REQUIRE_MESSAGE(answer.has_value(), daemon.log());
    CHECK(answer->status == 200);
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
    CHECK(daemon.terminate().exit_code == 0);
    CHECK_FALSE(fs::exists(site.socket()));
  }
}

TEST_CASE(
    "runtime folder: a crashed instance finds the folder of its socket again without waiting for a look") {
  Site site;
  site.configure(demo("socket", " --socket {socket}"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  auto before = daemon.pids("web");
  REQUIRE(before.size() == 2);
  fs::remove_all(site.directory() / "run");
  for (pid_t pid : before) REQUIRE(::kill(pid, SIGKILL) == 0);
  // With the folder the control socket is back.
  CHECK(wait_until([&] { return fs::exists(site.socket()); }, std::chrono::seconds(20)));
  CHECK_MESSAGE(daemon.wait_healthy("web", 2), daemon.log());
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}
