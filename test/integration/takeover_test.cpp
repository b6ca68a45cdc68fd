// A daemon that was killed, and its successor: exactly one copy of everything, and nobody else is touched.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "support/command.h"
#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// Two instances of web, and a job with a child in a session of its own whose parent is gone.
constexpr std::string_view kApps =
    "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
    "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"(setsid @DEMO@ --port 0 &); exec sleep 600\"]\n"
    "endpoint = \"none\"\n[app.job.deploy]\nsettle = \"50ms\"\n";

// Of this test: its daemons' apps, and what it has adopted of them.
std::vector<pid_t> demos() {
  std::vector<pid_t> all = descendants_of(::getpid());
  std::erase_if(all, [](pid_t pid) { return !command_line(pid).starts_with(GV_DEMO); });
  return all;
}

std::string variable_of(pid_t pid, const std::string& key) {
  std::string environment = '\0' + content_of("/proc/" + std::to_string(pid) + "/environ");
  std::size_t at = environment.find('\0' + key + '=');
  REQUIRE(at != std::string::npos);
  at += key.size() + 2;
  return environment.substr(at, environment.find('\0', at) - at);
}

bool logged(const DaemonProcess& daemon, const std::string& what) {
  return daemon.log().find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("takeover: after kill -9 the next daemon ends the old processes and there is one copy of each") {
  Site site;
  site.configure(kApps);
  std::vector<pid_t> old;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    REQUIRE(daemon.wait_healthy("job", 1));
    REQUIRE(wait_until([] { return demos().size() == 3; }));
    for (pid_t pid : old) {
      CHECK_FALSE(alive(pid));
      CHECK(logged(daemon, " pid=" + std::to_string(pid) + " name=\"gvdemo\" signal=TERM"));
    }
    old = demos();
    if (round < 2) {
      daemon.abandon();
      CHECK(demos().size() == 3);
    }
  }
}

TEST_CASE("takeover: an old process that ignores its signals is killed") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --ignore-term\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.stop]\ntimeout = \"200ms\"\n");
  pid_t old = 0;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    old = daemon.pids("web").at(0);
    daemon.abandon();
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK_FALSE(alive(old));
  CHECK(logged(daemon, " pid=" + std::to_string(old) + " name=\"gvdemo\" signal=KILL"));
}

TEST_CASE("takeover: a process that wrote over its environment is known by the record") {
  Site site;
  // It runs with none of its variables, so only its number and start time tell.
  site.configure(
      "[app.job]\ncommand = [\"/usr/bin/env\", \"-i\", \"/bin/sleep\", \"600\"]\nendpoint = \"none\"\n"
      "[app.job.deploy]\nsettle = \"50ms\"\n");
  pid_t old = 0;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("job", 1));
    old = daemon.pids("job").at(0);
    std::string number = "\"pid\":" + std::to_string(old);
    auto state = site.directory() / "state" / "processes.json";
    REQUIRE(wait_until([&] { return content_of(state).find(number) != std::string::npos; }));
    daemon.abandon();
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  CHECK_FALSE(alive(old));
}

TEST_CASE("takeover: what only inherited the marks is named and lives on") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  std::string id;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    id = variable_of(daemon.pids("web").at(0), "GV_STATE");
    daemon.abandon();
  }
  // As a shell in a terminal that was opened from an instance: somebody else is its parent.
  Command shell(
      {"/bin/sh", "-c", "GV_STATE=" + id + " GV_APP=web GV_INSTANCE=1.1 setsid sleep 600 & echo $!; wait"});
  REQUIRE(wait_until([&] { return shell.out().ends_with('\n'); }));
  pid_t nested = std::stoi(shell.out());
  REQUIRE(wait_until([&] { return command_line(nested).starts_with("sleep"); }));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(alive(nested));
    CHECK(logged(
        daemon, " pid=" + std::to_string(nested) + " name=\"sleep\" cause=\"left alone: its parent lives\""));
    daemon.abandon();
  }
  CHECK(alive(nested));
  REQUIRE(::kill(nested, SIGKILL) == 0);
  (void)shell.wait();
  (void)kill_leftovers();
}

TEST_CASE("takeover: two daemons with one state folder are refused") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto other = site.files().write(
      "other.toml", site.expand("[daemon]\nruntime_dir = \"@DIR@/other\"\nstate_dir = \"@DIR@/state\"\n"
                                "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN1@\"\n"));
  CommandResult second = run_command({GV_DAEMON, "-c", other});
  INFO(describe(second));
  CHECK(second.exit_code == 1);
  CHECK(second.err.find("another gracevisord (pid " + std::to_string(daemon.pid()) + ") runs on " +
                        (site.directory() / "state").string()) != std::string::npos);
  // It does not wait for one that serves.
  CHECK(second.err.find("waiting for it") == std::string::npos);
  CHECK(daemon.wait_healthy("web", 1));
}
