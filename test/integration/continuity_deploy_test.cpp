// A daemon that is killed in each phase of a deploy: the next one brings it to its end, by what was recorded.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/skip.h"
#include "support/stopped_thread.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// What an app does with its start and its end, until the test says so.
struct Held {
  bool start = false;  // it does not listen before there is "go"
  bool end = false;    // it does not end before there is "end"
};

// One instance of each version, and one of another app, which is never touched.
std::string apps(const std::string& version, const std::string& guard, Held held = {}) {
  std::string script = "trap 'kill $app; ";
  if (held.end) script += "until [ -e @DIR@/end ]; do sleep 0.01; done; ";
  script += "wait $app; exit 0' TERM; : > @DIR@/" + version + ".up; ";
  if (held.start) script += "until [ -e @DIR@/go ]; do sleep 0.01; done; ";
  script += "@DEMO@ --version-text " + version + " & app=$!; wait $app; exit 9";
  return "[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"" + script +
         "\"]\nlisten = \"@LISTEN@\"\nhealth = { path = \"/health\", interval = \"50ms\" }\n"
         "restart.backoff = \"10ms\"\nstop = { scope = \"main\", timeout = \"10m\" }\n"
         "[app.web.deploy]\ntimeout = \"10m\"\nguard_interval = \"50ms\"\nguard = \"" +
         guard + "\"\n" + named_app("other", "@LISTEN1@");
}

std::string phase(const DaemonProcess& daemon) {
  const auto app = daemon.app("web");
  return app && app->deploy && app->deploy->running ? app->deploy->phase : "";
}

bool wait_phase(const DaemonProcess& daemon, const std::string& wanted) {
  return wait_until([&] { return phase(daemon) == wanted; }, std::chrono::seconds(20));
}

std::string record(const Site& site) {
  return content_of(site.directory() / "state" / "apps" / "web.json");
}

bool wait_recorded(const Site& site, const std::string& step) {
  return wait_until([&] { return has(record(site), "\"step\": \"" + step + "\""); });
}

// A deploy of v2 over v1 that is told to begin.
struct Deploying {
  Site site;
  std::unique_ptr<DaemonProcess> daemon;
  Population other;

  Deploying(const std::string& guard, Held former, Held next) {
    site.configure(apps("v1", guard, former));
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("web", 1));
    REQUIRE(daemon->wait_healthy("other", 1));
    for (const pid_t pid : daemon->pids("other")) other.emplace(pid, population(*daemon).at(pid));
    site.configure(apps("v2", guard, next));
  }
  void begin() const { REQUIRE(daemon->ctl({"deploy", "web", "--no-wait"}).exit_code == 0); }
  void let(const char* what) const { (void)site.files().write(what, ""); }
  [[nodiscard]] bool serves(const std::string& version) const {
    return served_by(site.listener()) == version;
  }
};

// After the restart: how the deploy ended, who serves, that nothing else is left, and that the next one
// works.
void check_outcome(const Deploying& deploying, int exit, const std::string& text,
                   const std::string& serving) {
  DaemonProcess& daemon = *deploying.daemon;
  std::vector<control::PastCommand> past;
  const bool told = wait_until(
      [&] {
        past = past_commands(daemon, "web");
        return !past.empty();
      },
      std::chrono::seconds(20));
  REQUIRE_MESSAGE(told, daemon.ctl({"status"}).out << daemon.log());
  INFO(daemon.log());
  CHECK(past.size() == 1);
  CHECK(past.front().verb == "deploy");
  CHECK(past.front().generation == 2);
  CHECK(past.front().exit == exit);
  CHECK_MESSAGE(has(past.front().text, text), past.front().text);
  CHECK(deploying.serves(serving));
  CHECK(daemon.app("web")->generation == (serving == "v2" ? 2 : 1));
  // A shell and its app each, and the other app.
  CHECK(wait_until([&] { return daemon.children() == 3; }));
  const Population now = population(daemon);
  for (const auto& [pid, started] : deploying.other) {
    REQUIRE(now.contains(pid));
    CHECK(now.at(pid) == started);
  }
  deploying.let("go");
  deploying.let("end");
  deploying.site.configure(apps("v3", "100ms"));
  const CommandResult next = daemon.ctl({"deploy", "web"});
  INFO(describe(next));
  CHECK(next.exit_code == 0);
  CHECK(deploying.serves("v3"));
  CHECK(daemon.app("web")->generation == 3);
  CHECK(wait_until([&] { return daemon.children() == 3; }));
  CHECK(daemon.app("other")->healthy == 1);
}

constexpr const char* kAborted = "web@2 aborted: the daemon was restarted";

}  // namespace

TEST_CASE("continuity: killed while a candidate's process is being ordered, the deploy is aborted") {
  Deploying deploying("0s", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  const pid_t former = daemon.pid();
  StoppedProcess keeper(daemon.keeper());
  deploying.begin();
  REQUIRE(wait_recorded(deploying.site, "spawning"));
  REQUIRE(wait_until([&] {
    const auto app = daemon.app("web");
    return app &&
           std::ranges::any_of(app->instances, [](const auto& one) { return one.state == "spawning"; });
  }));
  daemon.kill_daemon();
  keeper.go_on();
  REQUIRE(next_daemon(daemon, former) > 0);
  check_outcome(deploying, 6, kAborted, "v1");
}

TEST_CASE("continuity: killed while a candidate is checked, the deploy is aborted and the candidate ended") {
  Deploying deploying("0s", {}, {.start = true});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "checking"));
  REQUIRE(wait_recorded(deploying.site, "spawning"));
  REQUIRE(wait_until([&] { return daemon.children() >= 4; }));
  (void)replace_daemon(daemon);
  CHECK(deploying.serves("v1"));
  deploying.let("go");
  check_outcome(deploying, 6, kAborted, "v1");
}

TEST_CASE("continuity: killed while the cutover is recorded, the deploy is aborted") {
  Deploying deploying("10m", {}, {.start = true});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_recorded(deploying.site, "spawning"));
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  deploying.let("go");
  REQUIRE(wait_phase(daemon, "recording"));
  CHECK(deploying.serves("v1"));
  const pid_t former = daemon.pid();
  daemon.kill_daemon();
  writer.go_on();
  REQUIRE(next_daemon(daemon, former) > 0);
  check_outcome(deploying, 6, kAborted, "v1");
}

TEST_CASE("continuity: a candidate that no record knows is ended, and its number is not used again") {
  Deploying deploying("0s", {}, {.start = true});
  DaemonProcess& daemon = *deploying.daemon;
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  deploying.begin();
  REQUIRE(wait_until([&] { return daemon.children() >= 4; }));
  CHECK_FALSE(has(record(deploying.site), "\"step\""));
  const pid_t former = daemon.pid();
  daemon.kill_daemon();
  writer.go_on();
  REQUIRE(next_daemon(daemon, former) > 0);
  deploying.let("go");
  CHECK(wait_until([&] { return daemon.children() == 3; }));
  CHECK(wait_logged(daemon, "stray app=web instance=2.1 "));
  CHECK(deploying.serves("v1"));
  CHECK(past_commands(daemon, "web").empty());
  deploying.site.configure(apps("v3", "0s"));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 3);
}

TEST_CASE("continuity: killed once the cutover is recorded but not adopted, the deploy goes on") {
  for (const char* guard : {"0s", "2s"}) {
    CAPTURE(guard);
    Deploying deploying(guard, {}, {.start = true});
    DaemonProcess& daemon = *deploying.daemon;
    deploying.begin();
    REQUIRE(wait_recorded(deploying.site, "spawning"));
    // A worker; the other one probes this app.
    StoppedThread worker(daemon.pid(), "gracevisord");
    if (!worker.stopped()) return skip("no thread can be stopped here");
    deploying.let("go");
    REQUIRE(wait_phase(daemon, "cutover"));
    const pid_t former = daemon.pid();
    daemon.kill_daemon();
    worker.go_on();
    REQUIRE(next_daemon(daemon, former) > 0);
    CHECK(deploying.serves("v2"));
    check_outcome(deploying, 0, "", "v2");
  }
}

TEST_CASE("continuity: killed within the guard, the new generation serves on and the guard goes on") {
  Deploying deploying("3s", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  const Population before = population(daemon);
  (void)replace_daemon(daemon);
  CHECK(deploying.serves("v2"));
  CHECK(phase(daemon) == "guarding");
  CHECK(population(daemon) == before);
  check_outcome(deploying, 0, "", "v2");
}

TEST_CASE("continuity: killed within the guard, an abort still goes back to the old generation") {
  Deploying deploying("10m", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  const std::vector<pid_t> old = daemon.pids("web");
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  for (int i = 0; i < 2; ++i) {
    (void)replace_daemon(daemon);
    CHECK(deploying.serves("v2"));
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 5);
  }
  CHECK(daemon.ctl({"abort", "web"}).exit_code == 0);
  CHECK(wait_until([&] { return daemon.pids("web") == old; }));
  const auto past = past_commands(daemon, "web");
  CHECK(past.size() == 2);
  const auto deploy = std::ranges::find(past, "deploy", &control::PastCommand::verb);
  REQUIRE(deploy != past.end());
  CHECK(deploy->exit == 13);
  CHECK(deploying.serves("v1"));
  CHECK(wait_until([&] { return daemon.children() == 3; }));
}

TEST_CASE("continuity: a candidate that fails in the guard after a restart is rolled back") {
  Deploying deploying("10m", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  (void)replace_daemon(daemon);
  REQUIRE(wait_until([&] { return daemon.pids("web").size() == 1; }));
  REQUIRE(::kill(daemon.pids("web").front(), SIGKILL) == 0);
  check_outcome(deploying, 13, "web@2 rolled back to @1", "v1");
}

TEST_CASE("continuity: a candidate that ends together with the daemon within the guard is rolled back") {
  Deploying deploying("10m", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  const pid_t candidate = daemon.pids("web").at(0);
  const pid_t former = daemon.pid();
  const StoppedProcess stopped(former);
  REQUIRE(::kill(candidate, SIGKILL) == 0);
  REQUIRE(wait_until([&] { return !alive(candidate); }));
  REQUIRE(::kill(former, SIGKILL) == 0);
  REQUIRE(next_daemon(daemon, former) > 0);
  check_outcome(deploying, 13, "web@2 rolled back to @1", "v1");
}

TEST_CASE("continuity: killed while the end of the guard is recorded, the deploy still ends well") {
  Deploying deploying("1s", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  REQUIRE(wait_phase(daemon, "confirming"));
  const pid_t former = daemon.pid();
  daemon.kill_daemon();
  writer.go_on();
  REQUIRE(next_daemon(daemon, former) > 0);
  check_outcome(deploying, 0, "", "v2");
}

TEST_CASE("continuity: killed while the old generation ends, it ends and the deploy is done") {
  Deploying deploying("0s", {.end = true}, {});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "finishing"));
  REQUIRE(wait_recorded(deploying.site, "finishing"));
  for (int i = 0; i < 2; ++i) {
    (void)replace_daemon(daemon);
    CHECK(deploying.serves("v2"));
    CHECK(phase(daemon) == "finishing");
  }
  deploying.let("end");
  check_outcome(deploying, 0, "", "v2");
}

TEST_CASE("continuity: killed while it rolls back, the old generation serves on and the new one ends") {
  Deploying deploying("10m", {}, {.end = true});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "guarding"));
  const auto abort = daemon.ctl_beside({"abort", "web"});
  REQUIRE(wait_phase(daemon, "rolling back"));
  REQUIRE(wait_recorded(deploying.site, "undoing"));
  (void)replace_daemon(daemon);
  CHECK(deploying.serves("v1"));
  CHECK(phase(daemon) == "rolling back");
  deploying.let("end");
  check_outcome(deploying, 13, "web@2 rolled back to @1", "v1");
}

TEST_CASE("continuity: killed while an aborted candidate ends, it ends and the deploy is told as aborted") {
  Deploying deploying("0s", {}, {.start = true, .end = true});
  DaemonProcess& daemon = *deploying.daemon;
  deploying.begin();
  REQUIRE(wait_phase(daemon, "checking"));
  REQUIRE(wait_up(deploying.site, "v2"));
  const auto abort = daemon.ctl_beside({"abort", "web"});
  REQUIRE(wait_phase(daemon, "aborting"));
  REQUIRE(wait_recorded(deploying.site, "undoing"));
  (void)replace_daemon(daemon);
  CHECK(deploying.serves("v1"));
  CHECK(phase(daemon) == "aborting");
  deploying.let("end");
  deploying.let("go");
  check_outcome(deploying, 6, "web@2 aborted by ", "v1");
}

TEST_CASE("continuity: what still drains when the daemon is killed has nobody left to drain for") {
  Deploying deploying("0s", {}, {});
  DaemonProcess& daemon = *deploying.daemon;
  auto slow = HttpConnection::connect(deploying.site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=4000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  deploying.begin();
  REQUIRE(wait_phase(daemon, "finishing"));
  CHECK(daemon.children() == 5);
  REQUIRE(wait_recorded(deploying.site, "finishing"));
  (void)replace_daemon(daemon);
  // The app itself finishes what it has begun.
  REQUIRE(wait_until([&] {
    const auto app = daemon.app("web");
    return app &&
           std::ranges::any_of(app->instances, [](const auto& one) { return one.state == "stopping"; });
  }));
  CHECK_FALSE(slow->read_response().has_value());
  check_outcome(deploying, 0, "", "v2");
}
