// A daemon that is killed: the next one goes on with the same processes, as the former one knew them.
#include <doctest/doctest.h>

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

// A shell that notes each of its starts and then runs `script`, which may end.
std::string job(const std::string& name, const std::string& script, const std::string& more = "") {
  return "[app." + name + "]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/" + name + ".starts; " +
         script + "\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n" + more;
}

constexpr const char* kSleep = "exec sleep 600";

std::size_t starts(const Site& site, const std::string& name) {
  return count(content_of(site.directory() / (name + ".starts")), "\n");
}

// The newest line of the app in what the keeper has of slots.
std::string slots_line(const DaemonProcess& daemon, const std::string& name) {
  std::error_code gone;
  const std::string folder = "/proc/" + std::to_string(daemon.keeper()) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder, gone)) {
    const std::string link = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!link.starts_with("/memfd:how the slots are")) continue;
    const std::string journal = content_of(entry.path());
    const std::size_t line = journal.rfind("{\"app\":\"" + name + "\"");
    if (line != std::string::npos) return journal.substr(line, journal.find('\n', line) - line);
  }
  return {};
}

// How its slot fares is with the keeper, for the next daemon.
bool wait_slots(const DaemonProcess& daemon, const std::string& name, const std::string& text) {
  return wait_until([&] { return has(slots_line(daemon, name), text); });
}

control::InstanceStatus only_instance(const DaemonProcess& daemon, const std::string& name) {
  const auto app = daemon.app(name);
  REQUIRE(app.has_value());
  REQUIRE(app->instances.size() == 1);
  return app->instances.front();
}

}  // namespace

TEST_CASE("continuity: killed under load, the daemon loses what is in flight and no process or connection") {
  Site site;
  site.configure(
      "[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/web.starts; exec @DEMO@\"]\n"
      "instances = 3\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n" +
      job("job", kSleep));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 3));
  REQUIRE(daemon.wait_healthy("job", 1));
  const Population before = population(daemon);
  CHECK(before.size() == 4);
  const std::vector<pid_t> web = daemon.pids("web");
  constexpr unsigned kClients = 8;
  constexpr unsigned kKills = 3;
  LoadGenerator load(site.listener(), Request{}, kClients);
  for (unsigned i = 0; i < kKills; ++i) {
    const std::uint64_t served = load.so_far().ok;
    REQUIRE(wait_until([&] { return load.so_far().ok >= served + 100; }));
    (void)replace_daemon(daemon);
    REQUIRE(daemon.wait_healthy("web", 3));
    REQUIRE(daemon.wait_healthy("job", 1));
    CHECK(population(daemon) == before);
    CHECK(daemon.pids("web") == web);
    CHECK(only_instance(daemon, "job").restarts == 0);
  }
  const std::uint64_t served = load.so_far().ok;
  REQUIRE(wait_until([&] { return load.so_far().ok >= served + 100; }));
  const LoadResult result = load.stop();
  INFO(describe(result) << "\n" << daemon.log());
  CHECK(result.connect_errors == 0);
  CHECK(result.other_status == 0);
  // A client has one request at a time.
  CHECK(result.failed() <= kClients * kKills);
  CHECK(starts(site, "web") == 3);
  CHECK(starts(site, "job") == 1);
  CHECK(daemon.app("web")->generation == 1);
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("continuity: clients that connect while no daemon lives are served by the next one") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const pid_t former = daemon.pid();
  StoppedProcess keeper(daemon.keeper());
  daemon.kill_daemon();
  REQUIRE(wait_until([&] { return !alive(former); }));
  std::vector<HttpConnection> waiting;
  for (int i = 0; i < 20; ++i) {
    auto connection = HttpConnection::connect(site.listener());
    REQUIRE(connection.has_value());
    REQUIRE(connection->send(to_text(Request{})).has_value());
    waiting.push_back(std::move(*connection));
  }
  auto ctl = daemon.ctl_beside({"status"});
  keeper.go_on();
  for (HttpConnection& connection : waiting) {
    const auto answer = connection.read_response();
    REQUIRE_MESSAGE(answer.has_value(), daemon.log());
    CHECK(answer->status == 200);
  }
  CHECK(ctl->wait().exit_code == 0);
}

TEST_CASE("continuity: what ends together with the daemon is told with its status, and started again") {
  Site site;
  const std::string backoff = "restart.backoff = \"10ms\"\n";
  // Once.
  const std::string until_told = "until rmdir @DIR@/end 2>/dev/null; do sleep 0.01; done; exit 7";
  site.configure(job("exits", until_told, backoff) + job("killed", kSleep, backoff) +
                 job("faults", kSleep, backoff) + job("lives", kSleep, backoff));
  DaemonProcess daemon(site);
  for (const char* name : {"exits", "killed", "faults", "lives"}) REQUIRE(daemon.wait_healthy(name, 1));
  const pid_t lives = daemon.pids("lives").at(0);
  const pid_t former = daemon.pid();
  const std::vector<pid_t> ended{daemon.pids("exits").at(0), daemon.pids("killed").at(0),
                                 daemon.pids("faults").at(0)};
  // It sees none of their ends.
  const StoppedProcess stopped(former);
  REQUIRE(std::filesystem::create_directory(site.directory() / "end"));
  REQUIRE(::kill(ended[1], SIGKILL) == 0);
  REQUIRE(::kill(ended[2], SIGSEGV) == 0);
  for (const pid_t pid : ended) REQUIRE(wait_until([&] { return !alive(pid); }));
  REQUIRE(::kill(former, SIGKILL) == 0);
  REQUIRE(next_daemon(daemon, former) > 0);
  const std::pair<const char*, const char*> told[] = {
      {"exits", "exit 7"}, {"killed", "signal 9 (KILL)"}, {"faults", "signal 11 (SEGV)"}};
  for (const auto& [name, status] : told) {
    CAPTURE(name);
    REQUIRE_MESSAGE(wait_until([&] { return only_instance(daemon, name).restarts == 1; }), daemon.log());
    REQUIRE(daemon.wait_healthy(name, 1));
    const control::InstanceStatus now = only_instance(daemon, name);
    CHECK(now.last_exit.starts_with(status));
    CHECK(logged(daemon, std::string("exit app=") + name + " instance=1.1 status=\"" + status));
    CHECK(wait_until([&] { return starts(site, name) == 2; }));
  }
  CHECK(daemon.pids("lives") == std::vector<pid_t>{lives});
  CHECK(starts(site, "lives") == 1);
}

TEST_CASE("continuity: counts of restarts and the last exit are known to the next daemon") {
  Site site;
  site.configure(job("job", "n=$(wc -l < @DIR@/job.starts); [ $n -ge 4 ] || exit $n; exec sleep 600",
                     "restart.backoff = \"10ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return only_instance(daemon, "job").restarts == 3; }));
  REQUIRE(daemon.wait_healthy("job", 1));
  const control::InstanceStatus before = only_instance(daemon, "job");
  CHECK(before.last_exit == "exit 3");
  REQUIRE(wait_slots(daemon, "job", "healthy"));
  for (int i = 0; i < 2; ++i) {
    (void)replace_daemon(daemon);
    REQUIRE(daemon.wait_healthy("job", 1));
    const control::InstanceStatus after = only_instance(daemon, "job");
    CHECK(after.pid == before.pid);
    CHECK(after.restarts == 3);
    CHECK(after.failures == before.failures);
    CHECK(after.last_exit == "exit 3");
  }
  REQUIRE(::kill(before.pid, SIGKILL) == 0);
  CHECK(wait_until([&] { return only_instance(daemon, "job").restarts == 4; }));
}

TEST_CASE("continuity: a slot in back-off stays in it, and one that was given up stays given up") {
  Site site;
  site.configure(job("waits", "exit 5", "restart = { backoff = \"10m\", backoff_max = \"10m\" }\n") +
                 job("broken", "exit 6", "restart = { backoff = \"10ms\", max_failures = 2 }\n") +
                 job("rests", "exit 0", "restart.policy = \"on-failure\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return only_instance(daemon, "waits").state == "backoff"; }));
  REQUIRE(daemon.wait_state("broken", "fatal"));
  REQUIRE(daemon.wait_state("rests", "stopped"));
  const control::InstanceStatus before = only_instance(daemon, "waits");
  REQUIRE(before.due_s > 60);
  REQUIRE(wait_slots(daemon, "waits", "backoff"));
  REQUIRE(wait_slots(daemon, "broken", "\"fatal\""));
  REQUIRE(wait_slots(daemon, "rests", "resting"));
  for (int i = 0; i < 2; ++i) {
    (void)replace_daemon(daemon);
    const control::InstanceStatus after = only_instance(daemon, "waits");
    CHECK(after.state == "backoff");
    CHECK(after.due_s > 60);
    CHECK(after.due_s <= before.due_s);
    CHECK(after.failures == before.failures);
    CHECK(after.last_exit == "exit 5");
    CHECK(daemon.app("broken")->state == "fatal");
    CHECK(only_instance(daemon, "broken").last_exit == "exit 6");
    CHECK(daemon.app("rests")->state == "stopped");
  }
  CHECK(daemon.children() == 0);
  CHECK(starts(site, "waits") == 1);
  CHECK(starts(site, "broken") == 2);
  CHECK(starts(site, "rests") == 1);
  // A command still starts them.
  CHECK(daemon.ctl({"deploy", "rests", "--no-wait"}).exit_code == 0);
  CHECK(wait_until([&] { return starts(site, "rests") == 2; }));
}

TEST_CASE("continuity: a back-off that ends while no daemon lives ends with the next one") {
  Site site;
  site.configure(job("job", "[ -e @DIR@/go ] || exit 5; exec sleep 600", "restart.backoff = \"300ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return only_instance(daemon, "job").state == "backoff"; }));
  REQUIRE(wait_slots(daemon, "job", "backoff"));
  (void)site.files().write("go", "");
  (void)replace_daemon(daemon);
  REQUIRE(daemon.wait_healthy("job", 1));
  CHECK_MESSAGE(only_instance(daemon, "job").last_exit == "exit 5", daemon.log());
}

TEST_CASE("continuity: what was stopped stays stopped, and what was scaled stays scaled") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + named_app("api", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("api", 1));
  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  REQUIRE(daemon.ctl({"scale", "api", "2"}).exit_code == 0);
  REQUIRE(daemon.wait_healthy("api", 2));
  const Population before = population(daemon);
  for (int i = 0; i < 2; ++i) {
    (void)replace_daemon(daemon);
    CHECK(daemon.wait_state("web", "stopped"));
    CHECK(daemon.app("web")->stopped_uid.has_value());
    REQUIRE(daemon.wait_healthy("api", 2));
    CHECK(population(daemon) == before);
    CHECK(status_at(site.listener()) == 503);
  }
  CHECK(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(served_by(site.listener()) == "web");
}

TEST_CASE("continuity: an app that is being stopped when the daemon is killed ends, and stays stopped") {
  Site site;
  site.configure(job("job",
                     "trap 'until [ -e @DIR@/go ]; do sleep 0.01; done; exit 3' TERM; : > @DIR@/job.up; "
                     "while :; do sleep 0.01; done",
                     "stop.timeout = \"10m\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  REQUIRE(wait_up(site, "job"));
  const auto stop = daemon.ctl_beside({"stop", "job"});
  REQUIRE(wait_until([&] { return only_instance(daemon, "job").state == "stopping"; }));
  // A stop that is not on disk has not been confirmed to anyone.
  REQUIRE(wait_until(
      [&] { return has(content_of(site.directory() / "state" / "apps" / "job.json"), "\"stopped\": {"); }));
  (void)replace_daemon(daemon);
  REQUIRE(wait_until([&] { return only_instance(daemon, "job").state == "stopping"; }));
  (void)site.files().write("go", "");
  CHECK(daemon.wait_state("job", "stopped"));
  CHECK(wait_until([&] { return daemon.children() == 0; }));
  CHECK(logged(daemon, "status=\"exit 3\""));
  CHECK(starts(site, "job") == 1);
  CHECK(daemon.ctl({"start", "job"}).exit_code == 0);
}

TEST_CASE("continuity: an app that hangs does not keep the others' clients waiting") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + named_app("hung", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("hung", 1));
  const pid_t hung = daemon.pids("hung").at(0);
  StoppedProcess stopped(hung);
  (void)replace_daemon(daemon);
  CHECK(served_by(site.listener()) == "web");
  stopped.go_on();
  CHECK(served_by(site.listener(1)) == "hung");
  CHECK(daemon.wait_healthy("hung", 1));
  CHECK(daemon.pids("hung") == std::vector<pid_t>{hung});
}
