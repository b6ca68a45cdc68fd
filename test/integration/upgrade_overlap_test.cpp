// Two daemons at once: the new one decides, and the former one still uses what it has. Deaths of either.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{30};

// gvdemo with this drain deadline.
std::string app(const std::string& name, const std::string& drain, const std::string& more = "") {
  return "[app." + name + "]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n" +
         "health = { path = \"/health\", interval = \"50ms\" }\ndeploy.guard = "
         "\"100ms\"\ndeploy.drain_timeout = \"" +
         drain + "\"\n" + more;
}

HttpConnection begun(const Site& site, const std::string& target) {
  auto client = HttpConnection::connect(site.listener(), kPatience);
  REQUIRE(client.has_value());
  Request request;
  request.target = target;
  REQUIRE(client->send(to_text(request)).has_value());
  return std::move(*client);
}

bool wait_in_flight(const DaemonProcess& daemon, const std::string& name, std::uint64_t number) {
  return wait_until([&] {
    const auto app = daemon.app(name);
    return app && !app->instances.empty() && app->instances.at(0).in_flight == number;
  });
}

// The upgrade is done for gvctl only when the request has ended; the new daemon serves before.
struct Beside {
  std::unique_ptr<Command> command;
  pid_t former = 0;
  pid_t successor = 0;

  explicit Beside(const DaemonProcess& daemon)
      : command(daemon.ctl_beside({"--json", "upgrade", "--wait"})), former(owner(daemon)) {
    REQUIRE_MESSAGE(wait_until([&] { return has(command->out(), "\"phase\":\"handed\""); }, kPatience),
                    command->out() << command->err() << daemon.log());
    successor = owner(daemon);
    REQUIRE(successor != former);
    REQUIRE(predecessor(daemon) == former);
  }
};

std::uint64_t generation(const DaemonProcess& daemon) {
  const auto now = daemon.app("web");
  return now ? now->generation : 0;
}

}  // namespace

TEST_CASE("upgrade: a deploy in the overlap leaves the old instance alone until its request has ended") {
  Site site;
  site.configure(app("web", "60s"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const pid_t old = daemon.pids("web").at(0);
  HttpConnection client = begun(site, "/slow?ms=4000");
  REQUIRE(wait_in_flight(daemon, "web", 1));
  const Beside upgraded(daemon);
  const auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE_MESSAGE(wait_until([&] { return generation(daemon) == 2; }, kPatience), deploy->out()
                                                                                      << daemon.log());
  const std::string served = served_by(site.listener());
  CHECK(served == "v1");
  CHECK(alive(old));
  const auto answer = client.read_response();
  REQUIRE_MESSAGE(answer.has_value(), answer.error().what << daemon.log());
  CHECK(has(answer->body, "pid " + std::to_string(old)));
  CHECK(wait_until([&] { return !alive(old); }));
  const CommandResult deployed = deploy->wait(kPatience);
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  CHECK(has(deployed.out, " 0 cut"));
  CHECK(upgraded.command->wait(kPatience).exit_code == 0);
  CHECK(daemon.app("web")->failed == 0);
  CHECK(wait_alone(daemon));
  // The connection goes on, at the new instance.
  client.set_patience(kPatience);
  const auto next = client.get("/");
  CHECK((next && has(next->body, "generation 2")));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: at the drain deadline the requests that the former daemon has at an old instance end") {
  Site site;
  site.configure(app("web", "1s", "stop.timeout = \"1s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const pid_t old = daemon.pids("web").at(0);
  HttpConnection waits = begun(site, "/slow?ms=60000");
  HttpConnection streams = begun(site, "/stream?n=1000&ms=100");
  REQUIRE(streams.receive().value_or(false));
  REQUIRE(wait_in_flight(daemon, "web", 2));
  const Beside upgraded(daemon);
  const auto began = std::chrono::steady_clock::now();
  const CommandResult deployed = daemon.ctl({"deploy", "web"});
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  CHECK(generation(daemon) == 2);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(1));
  CHECK(wait_until([&] { return !alive(old); }));
  const auto answer = waits.read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
  CHECK(answer->header("X-Gv-Error") == "drained");
  CHECK_FALSE(streams.read_response().has_value());
  const CommandResult end = upgraded.command->wait(kPatience);
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(has(read_upgrade(end).text("drained"), "1 finished, 1 cut"));
  CHECK(wait_alone(daemon));
  // The client that was answered goes on.
  CHECK(waits.get("/").has_value());
}

TEST_CASE("upgrade: requests that the former daemon still takes reach the instances that are live now") {
  Site site;
  site.configure(app("web", "60s"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  // Pipelined: the former daemon has the second one already, and routes it when the first is answered.
  HttpConnection client = begun(site, "/slow?ms=3000");
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").has_value());
  REQUIRE(wait_in_flight(daemon, "web", 1));
  const Beside upgraded(daemon);
  REQUIRE(daemon.ctl({"deploy", "web", "--until", "cutover"}).exit_code == 0);
  REQUIRE(wait_until([&] { return generation(daemon) == 2; }));
  const auto slow = client.read_response();
  REQUIRE_MESSAGE(slow.has_value(), daemon.log());
  CHECK(has(slow->body, "slow version"));
  const auto next = client.read_response();
  REQUIRE_MESSAGE(next.has_value(), next.error().what << daemon.log());
  CHECK(next->status == 200);
  CHECK(has(next->body, "generation 2"));
  CHECK(upgraded.command->wait(kPatience).exit_code == 0);
  CHECK(wait_alone(daemon));
}

TEST_CASE(
    "upgrade: an instance that crashes in the overlap comes back, and its address is given to no other") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\ndeploy.guard = \"100ms\"\n"
      "restart.backoff = \"10ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  const auto before = daemon.app("web")->instances;
  HttpConnection client = begun(site, "/slow?ms=4000");
  REQUIRE(wait_until([&] {
    const auto now = daemon.app("web");
    return now && now->instances.at(0).in_flight + now->instances.at(1).in_flight == 1;
  }));
  const std::size_t busy = daemon.app("web")->instances.at(0).in_flight == 1 ? 0 : 1;
  const std::size_t idle = 1 - busy;
  const Beside upgraded(daemon);
  // The one that the former daemon does not use at this moment.
  REQUIRE(::kill(before.at(idle).pid, SIGKILL) == 0);
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(idle).restarts == 1; }));
  REQUIRE(daemon.wait_healthy("web", 2));
  for (int i = 0; i < 20; ++i) CHECK(served_by(site.listener()) == "v1");
  const auto answer = client.read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK(has(answer->body, "pid " + std::to_string(before.at(busy).pid)));
  CHECK(upgraded.command->wait(kPatience).exit_code == 0);
  CHECK(wait_alone(daemon));
}

TEST_CASE("upgrade: no other instance gets an address that the former daemon may still dial") {
  // Four ports for two instances.
  Site site(4);
  site.configure("[listen.public]\naddress = \"@LISTEN@\"\n" +
                 named_app("demo", "public", "route = \"demo\"\nrestart.backoff = \"10ms\"\n") +
                 websocket_app("web", "public", "route = \"*\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("demo", 1));
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  const pid_t former = owner(daemon);
  (void)upgrade_well(daemon);
  REQUIRE(predecessor(daemon) == former);
  const auto place = [&] { return daemon.app("demo")->instances.at(0).endpoint; };
  std::vector<std::string> places{place()};
  // It cannot say that it is done with any.
  StoppedProcess stopped(former);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    REQUIRE(::kill(daemon.pids("demo").at(0), SIGKILL) == 0);
    REQUIRE(wait_until([&] { return daemon.app("demo")->instances.at(0).restarts == i; }));
    REQUIRE_MESSAGE(daemon.wait_healthy("demo", 1), daemon.log() << daemon.ctl({"status"}).out);
    CHECK(std::ranges::find(places, place()) == places.end());
    places.push_back(place());
    CHECK(served_by(site.listener(), "demo") == "demo");
  }
  // No port is left for a third one until the former daemon goes on.
  REQUIRE(::kill(daemon.pids("demo").at(0), SIGKILL) == 0);
  REQUIRE(wait_until([&] { return daemon.app("demo")->instances.at(0).last_exit.starts_with("signal 9"); }));
  stopped.go_on();
  CHECK(daemon.wait_healthy("demo", 1, kPatience));
  CHECK(served_by(site.listener(), "demo") == "demo");
  CHECK(socket->echoes("after"));
  CHECK(socket->close());
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: the new daemon is killed in the overlap, a third one follows, and no client is lost") {
  Site site;
  site.configure("[listen.public]\naddress = \"@LISTEN@\"\n" +
                 named_app("demo", "public", "route = \"demo\"\n") +
                 websocket_app("web", "public", "route = \"*\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("demo", 1));
  REQUIRE(daemon.wait_healthy("web", 1));
  const Population before = app_processes(daemon);
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  auto download = HttpConnection::connect(site.listener(), kPatience);
  REQUIRE(download.has_value());
  constexpr std::size_t kBytes = 30'000'000;
  REQUIRE(download->send("GET /bytes?n=" + std::to_string(kBytes) + " HTTP/1.1\r\nHost: demo\r\n\r\n")
              .has_value());
  REQUIRE(download->receive().has_value());
  Request alone = to_host("demo");
  alone.headers = {{"Connection", "close"}};
  LoadGenerator load(site.listener(), alone, 2);
  const Beside upgraded(daemon);
  REQUIRE(::kill(upgraded.successor, SIGKILL) == 0);
  const pid_t third = next_daemon(daemon, upgraded.successor);
  INFO(daemon.log());
  REQUIRE(third > 0);
  CHECK(third != upgraded.former);
  CHECK(alive(upgraded.former));
  CHECK(predecessor(daemon) == upgraded.former);
  CHECK(app_processes(daemon) == before);
  CHECK(socket->echoes("after"));
  const std::uint64_t served = load.so_far().ok;
  CHECK(wait_until([&] { return load.so_far().ok >= served + 20; }));
  const Upgraded refused = upgrade(daemon);
  CHECK(refused.result.exit_code == 5);
  const auto whole = download->read_response();
  REQUIRE_MESSAGE(whole.has_value(), whole.error().what);
  CHECK(whole->body.size() == kBytes);
  CHECK(socket->close());
  CHECK(wait_alone(daemon));
  (void)upgraded.command->wait(kPatience);
  const LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.connect_errors == 0);
  // What was in flight in the one that was killed.
  CHECK(result.failed() <= 2);
  CHECK(daemon.ctl({"deploy", "demo"}).exit_code == 0);
  (void)upgrade_well(daemon);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: the former daemon is killed in the overlap, and the new one goes on and says so") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  const pid_t former = owner(daemon);
  const pid_t successor = upgrade_well(daemon);
  auto load = std::make_unique<LoadGenerator>(site.listener(), Request{}, 2);
  REQUIRE(wait_until([&] { return load->so_far().ok >= 20; }));
  REQUIRE(predecessor(daemon) == former);
  REQUIRE(::kill(former, SIGKILL) == 0);
  CHECK(wait_alone(daemon));
  CHECK(logged(daemon, "predecessor-ended pid=" + std::to_string(former) + " how=\"signal 9 (KILL)\""));
  CHECK(owner(daemon) == successor);
  CHECK(socket->wait_closed() == 0);
  const std::uint64_t served = load->so_far().ok;
  CHECK(wait_until([&] { return load->so_far().ok >= served + 20; }));
  const LoadResult result = load->stop();
  INFO(describe(result) << daemon.log());
  CHECK(result.failed() == 0);
  CHECK(result.connections == 2);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  (void)upgrade_well(daemon);
  CHECK(daemon.terminate().exit_code == 0);
}
