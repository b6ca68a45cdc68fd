// gvctl's commands beside deploy: status, stop, start, restart, logs.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/stalled_clients.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kDemo =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n";

}  // namespace

TEST_CASE("status: the text names generation, instances, pids and endpoints") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CommandResult status = daemon.ctl({"status", "-v"});
  INFO(describe(status));
  CHECK(status.exit_code == 0);
  CHECK(status.out.starts_with("APP  GEN  STATE  INSTANCES  REQ/S  5XX  "));
  CHECK(status.out.find("\nweb  @1   live   1/1  ") != std::string::npos);
  const control::InstanceStatus& instance = app->instances.at(0);
  CHECK(status.out.find("1.1       healthy  " + std::to_string(instance.pid)) != std::string::npos);
  CHECK(status.out.find(instance.endpoint) != std::string::npos);
  CHECK(status.out.find('\x1b') == std::string::npos);  // no colour when not a terminal
  for (const char* other_name : {"ls", "ps"}) CHECK(daemon.ctl({other_name}).exit_code == 0);
}

TEST_CASE("status: --json is the report of the control API") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult status = daemon.ctl({"--json", "status"});
  INFO(describe(status));
  CHECK(status.exit_code == 0);
  auto report = control::read_status(status.out);
  REQUIRE(report.has_value());
  CHECK(report->pid == daemon.pid());
  CHECK(report->workers == 2);
  REQUIRE(report->apps.size() == 1);
  CHECK(report->apps[0].name == "web");
  CHECK(report->apps[0].state == "live");
  CHECK(report->apps[0].wanted == 1);
}

TEST_CASE("status: a selector chooses apps and an unknown one exits with 4") {
  Site site;
  site.configure(std::string(kDemo) + "[app.other]\ncommand = \"sleep 600\"\nendpoint = \"none\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult one = daemon.ctl({"status", "web"});
  INFO(describe(one));
  CHECK(one.exit_code == 0);
  CHECK(one.out.find("other") == std::string::npos);
  CHECK(daemon.ctl({"status", "nothing"}).exit_code == 4);
}

TEST_CASE("stop and start: a stopped app answers 503 at once and has no process") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult stop = daemon.ctl({"stop", "web"});
  INFO(describe(stop) << daemon.log());
  CHECK(stop.exit_code == 0);
  CHECK(daemon.children() == 0);
  CHECK(daemon.wait_state("web", "stopped"));
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
  CHECK(answer->header("Retry-After").has_value());

  CommandResult start = daemon.ctl({"start", "web"});
  INFO(describe(start) << daemon.log());
  CHECK(start.exit_code == 0);
  answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}

TEST_CASE("stop: requests in progress are answered first") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=800";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  auto stop = daemon.ctl_beside({"stop", "web"});
  auto answer = slow->read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK(stop->wait().exit_code == 0);
}

TEST_CASE("stop: --now cuts the clients of an app that had to be killed, also those that read nothing") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.proxy_options]\nsend_timeout = \"10m\"\n"
      "[app.web.log]\naccess = \"@DIR@/access.log\"\n[app.web.stop]\ntimeout = \"500ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  REQUIRE(clients.wait_stalled(daemon.app("web")->instances.at(0)));
  CommandResult stop = daemon.ctl({"stop", "--now", "web"});
  INFO(describe(stop));
  CHECK(stop.exit_code == 0);
  CHECK(wait_until([&] { return count_cut(site.directory() / "access.log") == clients.size(); }));
  CHECK(clients.count_reset() == clients.size());
}

TEST_CASE("stop: what ignores the signal is killed after the timeout") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --ignore-term\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.stop]\ntimeout = \"300ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult stop = daemon.ctl({"stop", "web"});
  INFO(describe(stop));
  CHECK(stop.exit_code == 0);
  CHECK(stop.took >= std::chrono::milliseconds(300));
  CHECK(daemon.children() == 0);
}

TEST_CASE("restart: is a deploy by its familiar name") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t old_pid = daemon.pids("web").at(0);
  LoadGenerator load(site.listener(), Request{}, 2);
  CommandResult restart = daemon.ctl({"restart", "web"});
  INFO(describe(restart));
  CHECK(restart.exit_code == 0);
  CHECK(load.stop().failed() == 0);
  auto pids = daemon.pids("web");
  REQUIRE(pids.size() == 1);
  CHECK(pids.front() != old_pid);
  CHECK(daemon.app("web")->generation == 2);
}

TEST_CASE("logs: the output of an app is shown and kept in its file") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult logs = daemon.ctl({"logs", "web"});
  INFO(describe(logs));
  CHECK(logs.exit_code == 0);
  CHECK(logs.out.find("gvdemo v1 boots") != std::string::npos);
  CHECK(logs.out.find("gvdemo v1 listens on 127.0.0.1:") != std::string::npos);
  CommandResult last = daemon.ctl({"logs", "-n", "1", "web"});
  INFO(describe(last));
  CHECK(last.out.find("boots") == std::string::npos);
  CHECK(last.out.find("listens on") != std::string::npos);
  CHECK(wait_until([&] {
    return content_of(site.directory() / "state/log/web.log").find("listens on") != std::string::npos;
  }));
}

TEST_CASE("logs: -f goes on with what comes") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto follow = daemon.ctl_beside({"logs", "-f", "web"});
  CHECK(wait_until([&] { return follow->out().find("listens on") != std::string::npos; }));
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --version-text v2\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.deploy]\nguard = \"0s\"\n");
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(wait_until([&] { return follow->out().find("gvdemo v2 listens on") != std::string::npos; }));
  CHECK(follow->running());
}

TEST_CASE("control: the socket is for the daemon's user alone, or for its group") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.running());
  struct stat socket{};
  REQUIRE(::stat(site.socket().c_str(), &socket) == 0);
  auto mode = socket.st_mode & 0777U;
  CHECK((mode == 0600U || mode == 0660U));
}

TEST_CASE("control: a malformed request is refused and the daemon goes on") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto address = base::Address::unix_path(site.socket().string());
  REQUIRE(address.has_value());
  auto connection = HttpConnection::connect(*address);
  REQUIRE(connection.has_value());
  REQUIRE(connection->send("RUBBISH\r\n\r\n").has_value());
  auto answer = connection->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 400);
  Request request;
  request.target = "/v1/no-such-thing";
  auto unknown = fetch(*address, request);
  REQUIRE(unknown.has_value());
  CHECK(unknown->status >= 400);
  CHECK(unknown->status < 500);
  CHECK(daemon.status().has_value());
}
