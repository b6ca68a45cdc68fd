// Kills around the beginning and the end: of a daemon that never served, of several in a row, of one that is
// shutting down, of none that is there, and of the keeper.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// It ends when the test says so.
std::string patient(const std::string& name) {
  return "[app." + name +
         "]\ncommand = [\"/bin/sh\", \"-c\", \"trap 'until [ -e @DIR@/end ]; do sleep 0.01; done; exit 3' "
         "TERM; : > @DIR@/" +
         name +
         ".up; "
         "while :; do sleep 0.01; done\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n"
         "stop.timeout = \"10m\"\n";
}

// Each as soon as it is there, until the keeper lets `pause` pass before the next one.
void kill_until(const DaemonProcess& daemon, const std::string& pause) {
  pid_t killed = 0;
  REQUIRE_MESSAGE(wait_until(
                      [&] {
                        const pid_t now = daemon.pid();
                        if (now > 0 && now != killed && ::kill(now, SIGKILL) == 0) killed = now;
                        return logged(daemon, " in " + pause + ", its children stay");
                      },
                      std::chrono::seconds(30)),
                  daemon.log());
}

}  // namespace

TEST_CASE("continuity: daemons that are killed as soon as they are there do no harm, and a safe one serves") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const Population before = population(daemon);
  (void)replace_daemon(daemon);
  kill_until(daemon, "800 ms");
  REQUIRE(next_daemon(daemon, 0) > 0);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK_MESSAGE(population(daemon) == before, daemon.log());
  CHECK(logged(daemon, " error safe cause="));
  CHECK(served_by(site.listener()) == "web");
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 5);
  // What ends is replaced even so.
  const pid_t first = daemon.pids("web").at(0);
  REQUIRE(::kill(first, SIGKILL) == 0);
  CHECK(wait_until([&] {
    const auto now = daemon.pids("web");
    return now.size() == 1 && now.front() != first;
  }));
  CHECK(served_by(site.listener()) == "web");
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE(
    "continuity: a daemon that is killed before it has ever served ends the keeper, and starts nothing") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --ignore-term\"\nlisten = \"@LISTEN@\"\nstop.timeout = \"10m\"\n");
  pid_t old = 0;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    old = daemon.pids("web").at(0);
    daemon.abandon();
  }
  // It waits for the end of what is left over.
  Command keeper({GV_DAEMON, "-c", site.config()});
  REQUIRE(wait_until([&] { return has(keeper.err(), "signal=TERM"); }));
  const auto below = descendants_of(keeper.pid());
  REQUIRE(below.size() == 1);
  REQUIRE(::kill(below.front(), SIGKILL) == 0);
  const CommandResult end = keeper.wait();
  INFO(describe(end));
  CHECK(end.exit_code == 128 + SIGKILL);
  CHECK(alive(old));
  REQUIRE(::kill(old, SIGKILL) == 0);
  (void)kill_leftovers();
}

TEST_CASE("continuity: killed while it shuts down, the daemon is followed by one that ends what is left") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + patient("slow"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("slow", 1));
  REQUIRE(wait_up(site, "slow"));
  const pid_t former = daemon.pid();
  const pid_t web = daemon.pids("web").at(0);
  const pid_t slow = daemon.pids("slow").at(0);
  daemon.signal(SIGTERM);
  REQUIRE(wait_logged(daemon, "shutdown stage=stopping"));
  REQUIRE(wait_until([&] { return !alive(web); }));
  daemon.kill_daemon();
  REQUIRE(next_daemon(daemon, former) > 0);
  CHECK(wait_until([&] { return count(daemon.log(), "shutdown stage=stopping") == 2; }));
  CHECK(alive(slow));
  (void)site.files().write("end", "");
  const CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(count(end.err, "instance=1.1 status=\"exit 3\"") == 1);
}

TEST_CASE("continuity: killed at the moment of its SIGTERM, the daemon leaves nothing behind") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "instances = 3\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 3));
  const pid_t former = daemon.pid();
  const StoppedProcess stopped(former);
  StoppedProcess keeper(daemon.keeper());
  daemon.signal(SIGTERM);
  REQUIRE(::kill(former, SIGKILL) == 0);
  keeper.go_on();
  const CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
}

TEST_CASE("continuity: told to stop while no daemon is there, the keeper has another one end the apps") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + patient("slow"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("slow", 1));
  REQUIRE(wait_up(site, "slow"));
  (void)site.files().write("end", "");
  (void)replace_daemon(daemon);
  kill_until(daemon, "800 ms");
  daemon.signal(SIGTERM);
  const CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(count(end.err, "status=\"exit 3\"") == 1);
}

TEST_CASE("continuity: when its keeper is killed the daemon drains, ends its apps and ends itself") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + patient("slow"));
  auto first = std::make_unique<DaemonProcess>(site);
  REQUIRE(first->wait_healthy("web", 1));
  REQUIRE(first->wait_healthy("slow", 1));
  REQUIRE(wait_up(site, "slow"));
  const Population apps = population(*first);
  const pid_t daemon = first->pid();
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=1500";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return first->app("web")->instances.at(0).in_flight == 1; }));
  REQUIRE(::kill(first->keeper(), SIGKILL) == 0);
  REQUIRE(wait_logged(*first, "it is gone: nothing can be started any more"));
  const auto answer = slow->read_response();
  REQUIRE_MESSAGE(answer.has_value(), first->log());
  CHECK(answer->status == 200);
  CHECK(alive(daemon));
  // Nobody else may come as long as it is there: the next one waits.
  const std::string waits = "another gracevisord (pid " + std::to_string(daemon) +
                            "), whose keeper is gone, is ending on " + (site.directory() / "run").string() +
                            ": waiting for it, at most ";
  const auto hasty = site.files().write("hasty.toml", site.daemon_table() + "shutdown_timeout = \"100ms\"\n" +
                                                          site.expand(named_app("web", "@LISTEN@")));
  const CommandResult refused = run_command({GV_DAEMON, "-c", hasty});
  INFO(describe(refused));
  CHECK(refused.exit_code == 1);
  CHECK(count(refused.err, waits + "1 s") == 1);
  CHECK(has(refused.err, "another gracevisord (pid " + std::to_string(daemon) + ") runs on "));
  Command stopped({GV_DAEMON, "-c", site.config()});
  REQUIRE(wait_until([&] { return has(stopped.err(), waits); }));
  stopped.signal(SIGTERM);
  CHECK(stopped.wait().exit_code == 1);
  Command next({GV_DAEMON, "-c", site.config()});
  REQUIRE(wait_until([&] { return has(next.err(), waits); }));
  CHECK(alive(daemon));
  (void)site.files().write("end", "");
  // Its children are this test's now.
  CHECK(wait_until([&] {
    for (const auto& [pid, started] : apps) (void)::waitpid(pid, nullptr, WNOHANG);
    return !alive(daemon);
  }));
  for (const auto& [pid, started] : apps) CHECK_FALSE(alive(pid));
  CHECK(logged(*first, "shutdown stage=over"));
  CHECK_MESSAGE(wait_until([&] { return served_by(site.listener()) == "web"; }), next.err());
  CHECK(count(next.err(), waits) == 1);
  next.signal(SIGTERM);
  CHECK(next.wait().exit_code == 0);
  (void)first->wait_end();
}

TEST_CASE("continuity: a daemon whose keeper is gone ends, although nobody reaps its apps") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "instances = 2\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  const Population apps = population(daemon);
  const pid_t pid = daemon.pid();
  REQUIRE(::kill(daemon.keeper(), SIGKILL) == 0);
  // Its children are this test's now, which lets them lie.
  CHECK_MESSAGE(wait_until([&] { return !alive(pid); }), daemon.log());
  CHECK(logged(daemon, "shutdown stage=over"));
  CHECK(count(daemon.log(), "status=\"the keeper is gone: how it ended is unknown\"") == 2);
  for (const auto& [app, started] : apps) CHECK(::waitpid(app, nullptr, WNOHANG) == app);
  (void)daemon.wait_end();
}

TEST_CASE("continuity: after the death of keeper and daemon the next start has one copy of everything") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "instances = 2\n"));
  Population before;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    (void)replace_daemon(daemon);
    REQUIRE(daemon.wait_healthy("web", 2));
    before = population(daemon);
    REQUIRE(wait_until([&] {
      const std::string record = content_of(site.directory() / "state" / "processes.json");
      return std::ranges::all_of(before,
                                 [&](const auto& one) { return has(record, std::to_string(one.first)); });
    }));
    daemon.abandon();
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  for (const auto& [pid, started] : before) CHECK_FALSE(alive(pid));
  CHECK(population(daemon).size() == 2);
  for (const auto& [pid, started] : before) CHECK(logged(daemon, " pid=" + std::to_string(pid) + " "));
  CHECK(served_by(site.listener()) == "web");
}
