// The end of the daemon: drained, complete, and quicker when asked again.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/stalled_clients.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// No timeout of the proxy's ends what these tests are about.
constexpr std::string_view kPatientApp =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
    "[app.web.proxy_options]\nsend_timeout = \"10m\"\nrequest_timeout = \"10m\"\n"
    "[app.web.log]\naccess = \"@DIR@/access.log\"\n[app.web.stop]\ntimeout = \"500ms\"\n";
constexpr std::chrono::seconds kSoon{20};

// It ends now; all that the clients were to get is cut, and logged so.
void check_end_cuts_all(DaemonProcess& daemon, StalledClients& clients, const Site& site) {
  CommandResult end = daemon.wait_end(kSoon);
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(clients.count_reset() == clients.size());
  CHECK(count_cut(site.directory() / "access.log") == clients.size());
}

}  // namespace

TEST_CASE("shutdown: SIGTERM lets requests finish, stops the apps and leaves no process") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
      "[app.worker]\ncommand = \"sleep 600\"\nendpoint = \"none\"\n"
      "[app.worker.deploy]\nsettle = \"50ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  REQUIRE(daemon.wait_healthy("worker", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=1000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && app->instances.at(0).in_flight + app->instances.at(1).in_flight == 1;
  }));
  daemon.signal(SIGTERM);
  auto answer = slow->read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK_FALSE(answer->keep_alive);
  CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK_FALSE(HttpConnection::connect(site.listener()).has_value());
}

TEST_CASE("shutdown: an idle client connection does not delay it") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto idle = HttpConnection::connect(site.listener());
  REQUIRE(idle.has_value());
  REQUIRE(idle->get("/").has_value());
  auto began = std::chrono::steady_clock::now();
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK(wait_until([&] { return idle->closed_by_server(); }));
}

TEST_CASE("shutdown: a second SIGTERM does not wait for requests") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.stop]\ntimeout = \"500ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=60000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  daemon.signal(SIGTERM);
  // It drains now: nobody new is let in, and the request goes on.
  REQUIRE(wait_until([&] { return !HttpConnection::connect(site.listener()).has_value(); }));
  CHECK(daemon.running());
  CHECK_FALSE(slow->closed_by_server());
  daemon.signal(SIGTERM);
  CommandResult end = daemon.wait_end(std::chrono::seconds(8));
  INFO(describe(end));
  CHECK_FALSE(end.timed_out);
}

TEST_CASE("shutdown: a second SIGTERM cuts clients that read nothing of their responses, and ends at once") {
  Site site;
  site.configure(kPatientApp);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  REQUIRE(clients.wait_stalled(daemon.app("web")->instances.at(0)));
  daemon.signal(SIGTERM);
  REQUIRE(wait_until([&] { return !HttpConnection::connect(site.listener()).has_value(); }));
  CHECK(daemon.app("web")->instances.at(0).in_flight == clients.size());
  daemon.signal(SIGTERM);
  check_end_cuts_all(daemon, clients, site);
}

TEST_CASE("shutdown: a client gets what is left of a response that its app has ended, unless asked twice") {
  for (bool twice : {false, true}) {
    Site site;
    site.configure(
        "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"unix:@DIR@/web.sock\"\n"
        "[app.web.proxy_options]\nsend_timeout = \"10m\"\nrequest_timeout = \"10m\"\n");
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    auto address = base::Address::unix_path((site.directory() / "web.sock").string());
    REQUIRE(address.has_value());
    auto client = HttpConnection::connect(*address);
    REQUIRE(client.has_value());
    // More than the socket takes; the daemon takes all of it from the app.
    Request request;
    request.target = "/bytes?n=320000&chunked=1";
    REQUIRE(client->send(to_text(request)).has_value());
    REQUIRE(client->receive().value_or(false));
    REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 0; }));
    REQUIRE(daemon.app("web")->requests == 0);  // it has not ended
    daemon.signal(SIGTERM);
    REQUIRE(wait_until([&] { return daemon.children() == 0; }));
    CHECK(daemon.running());
    if (twice) {
      daemon.signal(SIGTERM);
      CHECK(daemon.wait_end(kSoon).exit_code == 0);
      CHECK_FALSE(client->read_response().has_value());
    } else {
      auto answer = client->read_response();
      REQUIRE(answer.has_value());
      CHECK(answer->body.size() == 320000);
      CHECK(daemon.wait_end(kSoon).exit_code == 0);
    }
  }
}

TEST_CASE("shutdown: at its timeout clients that read nothing are cut as well") {
  Site site;
  site.configure_whole(site.daemon_table() + "shutdown_timeout = \"1s\"\n" + std::string(kPatientApp));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  REQUIRE(clients.wait_stalled(daemon.app("web")->instances.at(0)));
  daemon.signal(SIGTERM);
  check_end_cuts_all(daemon, clients, site);
}

TEST_CASE(
    "shutdown: a second SIGTERM cuts what an instance that crashed has left at clients that do not read") {
  Site site;
  site.configure(kPatientApp);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  const control::InstanceStatus crashed = daemon.app("web")->instances.at(0);
  REQUIRE(clients.wait_stalled(crashed));
  REQUIRE(::kill(crashed.pid, SIGKILL) == 0);
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && app->healthy == 1 && app->instances.at(0).pid != crashed.pid;
  }));
  daemon.signal(SIGTERM);
  REQUIRE(wait_until([&] { return !HttpConnection::connect(site.listener()).has_value(); }));
  CHECK(daemon.running());
  daemon.signal(SIGTERM);
  check_end_cuts_all(daemon, clients, site);
}

TEST_CASE("shutdown: a second SIGTERM does not kill apps that are stopping, a third one does") {
  for (bool third : {false, true}) {
    Site site;
    site.configure(
        "[app.slow]\ncommand = [\"/bin/sh\", \"-c\", "
        "\"trap 'until [ -e @DIR@/go ]; do sleep 0.02; done; exit 7' TERM; while :; do sleep 0.02; done\"]\n"
        "endpoint = \"none\"\n[app.slow.deploy]\nsettle = \"50ms\"\n[app.slow.stop]\ntimeout = \"1m\"\n");
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("slow", 1));
    auto says = [&](std::string_view what) {
      return wait_until([&] { return daemon.log().find(what) != std::string::npos; });
    };
    daemon.signal(SIGTERM);
    REQUIRE(says("stage=stopping now=false kill=false"));
    daemon.signal(SIGTERM);
    REQUIRE(says("stage=stopping now=true kill=false"));
    if (third) {
      daemon.signal(SIGTERM);
    } else {
      (void)site.files().write("go", "");
    }
    CommandResult end = daemon.wait_end(kSoon);
    INFO(describe(end));
    CHECK(end.exit_code == 0);
    CHECK(daemon.log().find(third ? "status=\"signal 9" : "status=\"exit 7\"") != std::string::npos);
  }
}

TEST_CASE("shutdown: apps that ignore the signal are killed with their whole group") {
  Site site;
  site.configure(
      "[app.stubborn]\ncommand = [\"/bin/sh\", \"-c\", \"trap '' TERM; sleep 600 & sleep 600\"]\n"
      "endpoint = \"none\"\n[app.stubborn.deploy]\nsettle = \"50ms\"\n"
      "[app.stubborn.stop]\ntimeout = \"300ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("stubborn", 1));
  REQUIRE(wait_until([&] { return daemon.children() == 3; }));
  CommandResult end = daemon.terminate();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
}

TEST_CASE("shutdown: gvctl shutdown does the same") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult shutdown = daemon.ctl({"shutdown"});
  INFO(describe(shutdown));
  CHECK(shutdown.exit_code == 0);
  CHECK(daemon.wait_end().exit_code == 0);
}

TEST_CASE("shutdown: during a deploy nothing is left either") {
  Site site;
  auto config = [](const std::string& switches) {
    return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"@LISTEN@\"\n";
  };
  site.configure(config(""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(config("--never-listen"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return daemon.children() == 2; }));
  daemon.signal(SIGTERM);
  CommandResult aborted = deploy->wait();
  INFO(describe(aborted));
  CHECK(aborted.exit_code == 6);
  CHECK(daemon.wait_end().exit_code == 0);
}

TEST_CASE("shutdown: gvctl tells its stages and returns at the end, and status says what it waits for") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=1500";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && app->instances.at(0).in_flight + app->instances.at(1).in_flight == 1;
  }));
  auto ctl = daemon.ctl_beside({"shutdown"});
  REQUIRE(wait_until([&] { return ctl->out().contains("closing"); }));
  CHECK(ctl->out().contains("closing  no new connections; 1 request under way, 0 waiting, for at most "));
  CHECK(ctl->running());
  const auto status = daemon.status();
  REQUIRE(status.has_value());
  const auto problems = texts(status->problems);
  CHECK(std::ranges::count(problems, "the daemon is shutting down: 1 request under way, 0 waiting") == 1);
  auto answer = slow->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  const CommandResult result = ctl->wait();
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out.contains("stopping 2 processes\n"));
  CHECK(result.out.ends_with("done: the daemon has ended\n"));
  CHECK(daemon.wait_end().exit_code == 0);
}

TEST_CASE("shutdown: a second gvctl shutdown hurries, and says what is cut, and --no-wait returns at once") {
  Site site;
  site.configure(kPatientApp);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  REQUIRE(clients.wait_stalled(daemon.app("web")->instances.at(0)));
  const CommandResult first = daemon.ctl({"shutdown", "--no-wait"});
  INFO(describe(first));
  CHECK(first.exit_code == 0);
  CHECK(first.out.contains("closing"));
  CHECK_FALSE(first.out.contains("done"));
  CHECK(daemon.running());
  const CommandResult second = daemon.ctl({"shutdown"});
  INFO(describe(second));
  CHECK(second.exit_code == 0);
  CHECK(second.out.contains("again    what is under way is no longer waited for\n"));
  CHECK(second.out.contains(" requests are cut\n"));
  CHECK(second.out.ends_with("done: the daemon has ended\n"));
  check_end_cuts_all(daemon, clients, site);
}

TEST_CASE("shutdown: on a terminal one line that is replaced says what is waited for") {
  Site site;
  site.configure(kPatientApp);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=60000";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] { return daemon.app("web")->instances.at(0).in_flight == 1; }));
  const std::string line = std::string(GV_CTL) + " --socket " + site.socket().string() + " shutdown";
  Command terminal({"script", "-qec", line, "/dev/null"}, {{"TERM", "xterm"}});
  REQUIRE(wait_until([&] { return terminal.out().contains("\r\x1b[K  1 request under way, 0 waiting"); }));
  daemon.signal(SIGTERM);
  const CommandResult result = terminal.wait();
  INFO(describe(result));
  CHECK(result.out.contains("0 waiting\r\x1b[K"));
  CHECK(result.out.contains("the daemon has ended"));
  CHECK(daemon.wait_end().exit_code == 0);
}
