// An upgrade that succeeds: how it is told, and what it leaves as it was.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <set>
#include <sstream>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kAllPhases = "upgrade check start reattached serving handed drained done";

// A shell that notes each of its starts.
std::string job(const std::string& name, const std::string& more = "") {
  return "[app." + name + "]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/" + name +
         ".starts; exec sleep 600\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n" + more;
}

std::size_t starts(const Site& site, const std::string& name) {
  return count(content_of(site.directory() / (name + ".starts")), "\n");
}

// What status says of the app's instances, without what time alone changes.
std::vector<std::string> instances(const DaemonProcess& daemon, const std::string& name) {
  std::vector<std::string> all;
  const auto app = daemon.app(name);
  if (!app) return all;
  for (const control::InstanceStatus& one : app->instances) {
    all.push_back(one.name + " " + one.state + " " + std::to_string(one.pid) + " " + one.endpoint + " " +
                  std::to_string(one.restarts) + " " + std::to_string(one.failures) + " " + one.last_exit);
  }
  return all;
}

// Each answer on a connection of its own.
Request alone() {
  Request request;
  request.headers = {{"Connection", "close"}};
  return request;
}

}  // namespace

TEST_CASE("upgrade: it is told phase by phase, and all processes stay as they are") {
  Site site;
  site.configure(
      "[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/web.starts; exec @DEMO@\"]\n"
      "instances = 3\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n" +
      named_app("api", "@LISTEN1@") + job("job"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 3));
  REQUIRE(daemon.wait_healthy("api", 1));
  REQUIRE(daemon.wait_healthy("job", 1));
  REQUIRE(::kill(daemon.pids("api").at(0), SIGKILL) == 0);
  REQUIRE(wait_until([&] { return daemon.app("api")->instances.at(0).restarts == 1; }));
  REQUIRE(daemon.wait_healthy("api", 1));
  const std::string version = daemon.status()->version;
  const pid_t former = owner(daemon);
  const Population before = app_processes(daemon);
  CHECK(before.size() == 5);
  std::map<std::string, std::vector<std::string>> as_was;
  for (const char* name : {"web", "api", "job"}) as_was[name] = instances(daemon, name);

  const Upgraded done = upgrade(daemon, {"--wait"});
  INFO(describe(done) << daemon.log());
  CHECK(done.result.exit_code == 0);
  CHECK(done.phases() == kAllPhases);
  CHECK(done.lines.back().exit == 0);
  CHECK(done.text("upgrade") == version + " -> " + version);
  CHECK(has(done.text("check"), "gracevisord --check: ok"));
  CHECK(done.text("start") == "pid " + std::to_string(done.successor()));
  CHECK(done.text("reattached") == "3 apps, 5 instances, 2 listeners");
  CHECK(done.text("serving") == "new connections -> " + std::to_string(done.successor()));
  CHECK(done.text("handed") == "0 idle client connections");
  CHECK(done.text("drained") == "pid " + std::to_string(former) + ": 0 finished, 0 cut");

  CHECK(done.successor() != former);
  CHECK(owner(daemon) == done.successor());
  for (const auto& [name, was] : as_was) CHECK(instances(daemon, name) == was);
  CHECK(app_processes(daemon) == before);
  CHECK(starts(site, "web") == 3);
  CHECK(starts(site, "job") == 1);
  CHECK(has(daemon.ctl({"--json", "version"}).out, "\"took_over_from\":" + std::to_string(former)));
  CHECK(wait_alone(daemon));
  CHECK_FALSE(alive(former));
  CHECK(served_by(site.listener(1)) == "api");
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  // One that only finishes is no start after a death.
  CHECK(daemon.status()->keeper.last_end.empty());

  CHECK(logged(daemon, "superseded by=" + std::to_string(done.successor())));
  CHECK(logged(daemon, "took-over from=" + std::to_string(former)));
  CHECK(wait_logged(daemon, "departed seconds="));
  CHECK(wait_logged(daemon, "predecessor-ended pid=" + std::to_string(former) + " how=\"exit 0\""));
  for (const char* none : {" cut back", "error ", "unexpected"}) CHECK_FALSE(logged(daemon, none));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: its report has one shape for machines, and lines with times for people") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const CommandResult json = daemon.ctl({"--json", "upgrade", "--wait"});
  INFO(describe(json) << daemon.log());
  REQUIRE(json.exit_code == 0);
  std::istringstream lines(json.out);
  std::int64_t before = 0;
  std::size_t number = 0;  // of phases, but for what was waited for before the first
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    REQUIRE(object.is_object());
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    const auto phase = object.value("phase", std::string());
    std::set<std::string> expected{"phase", "at_ms", "text"};
    if (phase == "start") expected.insert("pid");
    if (phase == "done") expected.insert("exit");
    CHECK(names == expected);
    CHECK(object.value("at_ms", std::int64_t{-1}) >= before);
    before = object.value("at_ms", std::int64_t{-1});
    if (phase != "wait") ++number;
  }
  CHECK(number == 8);

  REQUIRE(wait_alone(daemon));
  const CommandResult plain = daemon.ctl({"upgrade"});
  INFO(describe(plain));
  CHECK(plain.exit_code == 0);
  const std::string version = daemon.status()->version;
  CHECK(plain.out.starts_with("upgrade " + version + " -> " + version + "\n"));
  for (const char* phase : {"s check", "s start", "s reattached", "s serving", "s handed", "s drained"})
    CHECK(count(plain.out, phase) == 1);
  CHECK(has(plain.out, "\ndone: clients are served by the successor\n"));
}

TEST_CASE("upgrade: no listener refuses a connection, in whichever way it was opened") {
  Site site;
  site.configure("[listen.public]\naddress = \"@LISTEN@\"\n" + named_app("web", "public") +
                 named_app("own", "@LISTEN1@") + named_app("local", "unix:@DIR@/local.sock"));
  DaemonProcess daemon(site);
  for (const char* name : {"web", "own", "local"}) REQUIRE(daemon.wait_healthy(name, 1));
  const auto local = base::Address::unix_path((site.directory() / "local.sock").string());
  REQUIRE(local.has_value());
  LoadGenerator web(site.listener(), alone(), 2);
  LoadGenerator own(site.listener(1), alone(), 2);
  LoadGenerator unix_socket(*local, alone(), 2);
  std::vector<LoadGenerator*> all{&web, &own, &unix_socket};
  for (int i = 0; i < 3; ++i) {
    for (LoadGenerator* load : all) {
      const auto served = load->so_far().ok;
      REQUIRE(wait_until([&] { return load->so_far().ok >= served + 20; }, std::chrono::seconds(20)));
    }
    (void)upgrade_well(daemon);
  }
  for (LoadGenerator* load : all) {
    const auto served = load->so_far().ok;
    CHECK(wait_until([&] { return load->so_far().ok >= served + 20; }, std::chrono::seconds(20)));
    const LoadResult result = load->stop();
    INFO(describe(result) << daemon.log());
    CHECK(result.failed() == 0);
    CHECK(result.connect_errors == 0);
  }
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: what was stopped, scaled, in back-off or given up is so afterwards") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + named_app("off", "@LISTEN1@") +
                 "[app.waits]\ncommand = [\"/bin/sh\", \"-c\", \"exit 5\"]\nendpoint = \"none\"\n"
                 "restart = { backoff = \"10m\", backoff_max = \"10m\" }\n"
                 "[app.broken]\ncommand = [\"/bin/sh\", \"-c\", \"exit 6\"]\nendpoint = \"none\"\n"
                 "restart = { backoff = \"10ms\", max_failures = 2 }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("off", 1));
  REQUIRE(daemon.ctl({"scale", "web", "2"}).exit_code == 0);
  REQUIRE(daemon.ctl({"stop", "off"}).exit_code == 0);
  REQUIRE(wait_until([&] { return daemon.app("waits")->instances.at(0).state == "backoff"; }));
  REQUIRE(daemon.wait_state("broken", "fatal"));
  const Population before = app_processes(daemon);
  for (int i = 0; i < 2; ++i) {
    (void)upgrade_well(daemon);
    CHECK(app_processes(daemon) == before);
    CHECK(daemon.wait_healthy("web", 2));
    CHECK(daemon.app("off")->state == "stopped");
    CHECK(daemon.app("off")->stopped_uid.has_value());
    const auto waits = daemon.app("waits")->instances.at(0);
    CHECK(waits.state == "backoff");
    CHECK(waits.due_s > 60);
    CHECK(waits.last_exit == "exit 5");
    CHECK(daemon.app("broken")->state == "fatal");
    CHECK(status_at(site.listener(1)) == 503);
  }
  CHECK(daemon.ctl({"start", "off"}).exit_code == 0);
  CHECK(served_by(site.listener(1)) == "off");
}

TEST_CASE("upgrade: USR2 to the keeper upgrades, as the log tells") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const Population before = app_processes(daemon);
  for (int i = 0; i < 2; ++i) {
    const pid_t former = owner(daemon);
    daemon.signal(SIGUSR2);
    REQUIRE_MESSAGE(
        wait_until([&] { return owner(daemon) != former && owner(daemon) != 0; }, std::chrono::seconds(20)),
        daemon.log());
    CHECK(logged(daemon, "took-over from=" + std::to_string(former)));
    CHECK(wait_alone(daemon));
    CHECK(app_processes(daemon) == before);
    CHECK(served_by(site.listener()) == "web");
  }
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: a changed key of the daemon is taken, while a changed app waits for its deploy") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.status()->workers == 2);
  const Population before = app_processes(daemon);
  std::string table = site.daemon_table();
  table.replace(table.find("workers = 2"), 11, "workers = 3");
  site.configure_whole(table + named_app("web", "@LISTEN@", "environment.NEW = \"yes\"\n"));
  (void)upgrade_well(daemon);
  CHECK(daemon.status()->workers == 3);
  CHECK(app_processes(daemon) == before);
  CHECK_FALSE(has(daemon.ctl({"env", "web"}).out, "NEW="));
  CHECK(wait_until([&] { return !daemon.app("web")->differs.empty(); }));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(has(daemon.ctl({"env", "web"}).out, "NEW="));
  CHECK(daemon.app("web")->differs.empty());

  // And back, to fewer than there are sockets.
  table.replace(table.find("workers = 3"), 11, "workers = 1");
  site.configure_whole(table + named_app("web", "@LISTEN@", "environment.NEW = \"yes\"\n"));
  REQUIRE(wait_alone(daemon));
  (void)upgrade_well(daemon);
  CHECK(daemon.status()->workers == 1);
  for (int i = 0; i < 40; ++i) CHECK(served_by(site.listener()) == "web");
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: a changed folder of the daemon needs a stop and a start") {
  for (const std::string key : {"runtime_dir", "state_dir"}) {
    CAPTURE(key);
    Site site;
    site.configure(named_app("web", "@LISTEN@"));
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    const pid_t former = owner(daemon);
    const std::string good = content_of(site.config());
    std::string table = site.daemon_table();
    const std::string was = key + " = \"" + site.directory().string();
    REQUIRE(has(table, was));
    table.replace(table.find(was), was.size(), was + "/other");
    site.configure_whole(table + named_app("web", "@LISTEN@"));
    const Upgraded refused = upgrade(daemon, {"--wait"});
    INFO(describe(refused) << daemon.log());
    CHECK(refused.result.exit_code == 2);
    CHECK(has(refused.result.out, "needs a stop and a start"));
    CHECK(owner(daemon) == former);
    CHECK(served_by(site.listener()) == "web");
    put_content(site.config(), good);
    (void)upgrade_well(daemon);
    CHECK(daemon.terminate().exit_code == 0);
  }
}

TEST_CASE("upgrade: a program at another path takes over, and one that was replaced follows it") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const Population before = app_processes(daemon);
  const auto next = copy_of_daemon(site, "next");
  const pid_t first = upgrade_well(daemon, {"--to", next.string()});
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(first) + "/exe") == next);
  // As a package does: the path leads to another file.
  const auto newer = copy_of_daemon(site, "newer");
  std::filesystem::rename(newer, next);
  REQUIRE(wait_alone(daemon));
  const pid_t second = upgrade_well(daemon);
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(second) + "/exe") == next);
  CHECK(app_processes(daemon) == before);
  // Also when it is killed: the program that serves is the one that is started again.
  REQUIRE(wait_alone(daemon));
  const pid_t third = replace_daemon(daemon);
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(third) + "/exe") == next);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(served_by(site.listener()) == "web");
  CHECK(daemon.terminate().exit_code == 0);
}
