// Listeners that change: by a deploy, by one that fails or is cut back, and across a restart of the daemon.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>

#include "base/unique_fd.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string app(const std::string& name, const std::string& listen, const std::string& more = "",
                const std::string& deploy = "guard = \"0s\"\n") {
  return "[app." + name + "]\ncommand = \"@DEMO@ --version-text " + name + "\"\nlisten = \"" + listen +
         "\"\nhealth = { path = \"/health\", interval = \"50ms\" }\n" + more + "[app." + name + ".deploy]\n" +
         deploy;
}

std::string at(const Site& site, unsigned index) {
  return site.listener(index).text();
}

// "public", with two apps by host.
std::string shared(const std::string& address) {
  return "[listen.public]\naddress = \"" + address + "\"\n" + app("a", "public", "route = \"a.test\"\n") +
         app("b", "public", "route = \"b.test\"\n");
}

int status_of(HttpConnection& connection, const Request& request = {}) {
  auto answer = connection.exchange(request);
  return answer ? answer->status : 0;
}

// Listens there, as another program would.
base::UniqueFd take(const base::Address& address) {
  base::UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  REQUIRE(::bind(socket.get(), address.get(), address.length()) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  return socket;
}

bool mentions(const std::vector<std::string>& problems, const std::string& text) {
  return std::ranges::any_of(problems,
                             [&](const auto& problem) { return problem.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("listener change: a deploy of one app leaves a shared listener as it is and names the change") {
  Site site;
  site.configure(shared(at(site, 0)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(status_of(*client, to_host("b.test")) == 200);
  site.configure(shared(at(site, 1)));
  CommandResult deploy = daemon.ctl({"deploy", "a"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  const std::string named =
      "public: address (" + at(site, 0) + " -> " + at(site, 1) + "): taken by gvctl reload (also used by b)";
  CHECK(deploy.out.find(named) != std::string::npos);
  CHECK(daemon.log().find(named) != std::string::npos);
  CHECK(mentions(test::texts(daemon.app("a")->problems), named));
  CHECK(status_of(*client, to_host("b.test")) == 200);
  CHECK(status_of(*client, to_host("a.test")) == 200);
  CHECK(status_at(site.listener(0), to_host("b.test")) == 200);
  CHECK(refuses(site.listener(1)));
  CHECK(daemon.terminate().exit_code == 0);

  DaemonProcess again(site);
  REQUIRE(again.wait_healthy("a", 1));
  CHECK(status_at(site.listener(1), to_host("b.test")) == 200);
  CHECK(refuses(site.listener(0)));
}

TEST_CASE("listener change: a route that another app still has stays with it and the deploy says so") {
  Site site;
  site.configure(app("a", at(site, 0)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  site.configure(app("a", at(site, 1)) + app("b", at(site, 0)));
  CommandResult deploy = daemon.ctl({"deploy", "b"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  const std::string named = "/ at " + at(site, 0) + " goes to a, until that is deployed without it";
  CHECK(deploy.out.find(named) != std::string::npos);
  CHECK(wait_until([&] { return mentions(test::texts(daemon.app("b")->problems), named); }));
  CHECK(served_by(site.listener(0)) == "a");

  REQUIRE(daemon.ctl({"deploy", "a"}).exit_code == 0);
  CHECK(wait_until([&] { return test::texts(daemon.app("b")->problems).empty(); }));
  CHECK(served_by(site.listener(0)) == "b");
  CHECK(served_by(site.listener(1)) == "a");
}

TEST_CASE("listener change: connections of an address that leaves are served once more and end with that") {
  Site site;
  site.configure(app("web", at(site, 0)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(status_of(*client) == 200);
  site.configure(app("web", at(site, 1)));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.out.find(at(site, 0) + " -> " + at(site, 1)) != std::string::npos);
  CHECK(deploy.out.find("0 answered by the proxy itself on " + at(site, 0) + ", " + at(site, 1)) !=
        std::string::npos);
  CHECK(wait_until([&] { return refuses(site.listener(0)); }));
  auto answer = client->exchange({});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->header("Connection") == "close");
  CHECK(wait_until([&] { return client->closed_by_server(); }));
  client = base::fail("closed");
  CHECK(status_at(site.listener(1)) == 200);
  CHECK(wait_until([&] { return daemon.log().find("listener-ended") != std::string::npos; }));
  CHECK(daemon.log().find("cut=") == std::string::npos);
}

TEST_CASE("listener change: an address that leaves ends at its drain deadline") {
  Site site;
  const std::string deploy_table = "guard = \"0s\"\ndrain_timeout = \"500ms\"\n";
  site.configure(app("web", at(site, 0), "", deploy_table));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(status_of(*client) == 200);
  site.configure(app("web", at(site, 1), "", deploy_table));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(wait_until([&] { return client->closed_by_server(); }));
  CHECK(wait_until([&] { return daemon.log().find(" cut=1") != std::string::npos; }));
}

TEST_CASE(
    "listener change: the receipt counts what the proxy answered itself on a listener that was touched") {
  Site site;
  auto configured = [&](unsigned port) {
    return app("web", at(site, port), "route = \"web.test\"\n", "guard = \"60s\"\n");
  };
  site.configure(configured(0));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(configured(1));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return deploy->out().find("cutover") != std::string::npos; }));
  CHECK(status_at(site.listener(0), to_host("other.test")) == 404);
  CHECK(status_at(site.listener(1), to_host("other.test")) == 404);
  CHECK(status_at(site.listener(0), to_host("web.test")) == 200);  // while it may be cut back
  daemon.signal(SIGTERM);                                          // which ends the guard
  auto ended = daemon.wait_end();
  CHECK(ended.exit_code == 0);
  CHECK(daemon.log().find("2 answered by the proxy itself on ") != std::string::npos);
}

TEST_CASE("listener change: a deploy that is cut back has its old address again, and never lost it") {
  Site site;
  auto configured = [&](unsigned port, const std::string& switches) {
    return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"" + at(site, port) +
           "\"\nhealth = { path = \"/health\", interval = \"50ms\" }\n"
           "[app.web.deploy]\nguard = \"30s\"\nguard_interval = \"50ms\"\ndrain_timeout = \"500ms\"\n";
  };
  site.configure(configured(0, "--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(status_of(*client) == 200);
  site.configure(configured(1, "--version-text v2"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return deploy->out().find("cutover") != std::string::npos; }));
  CHECK(status_at(site.listener(1)) == 200);
  CHECK(status_of(*client) == 200);
  for (pid_t pid : daemon.pids("web")) {
    if (deploy->out().find("pid " + std::to_string(pid)) != std::string::npos) ::kill(pid, SIGKILL);
  }
  CHECK(wait_until([&] { return deploy->out().find("cutback") != std::string::npos; }));
  CHECK(wait_until([&] { return refuses(site.listener(1)); }));
  CHECK(status_of(*client) == 200);
  CHECK(status_at(site.listener(0)) == 200);
  CHECK(daemon.log().find("reachable nowhere") == std::string::npos);
}

TEST_CASE("listener change: a deploy that fails changes no address") {
  Site site;
  site.configure(app("web", at(site, 0)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure("[app.web]\ncommand = \"false\"\nlisten = \"" + at(site, 1) + "\"\n");
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 10);
  CHECK(status_at(site.listener(0)) == 200);
  CHECK(wait_until([&] { return refuses(site.listener(1)); }));
}

TEST_CASE("listener change: an app goes from its own address to a shared listener of the same and back") {
  Site site;
  const std::string own = app("web", at(site, 0));
  const std::string named = "[listen.public]\naddress = \"" + at(site, 0) + "\"\n" + app("web", "public");
  site.configure(own);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  for (const std::string& next : {named, own}) {
    site.configure(next);
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    auto answer = client->exchange({});
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->keep_alive);
  }
}

TEST_CASE("listener change: a client of an app that moves off a shared listener is served once more") {
  Site site;
  const std::string b = app("b", "public", "route = \"b.test\"\n");
  const std::string public_table = "[listen.public]\naddress = \"" + at(site, 0) + "\"\n";
  site.configure(public_table + app("a", "public", "route = \"a.test\"\n") + b);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(status_of(*client, to_host("a.test")) == 200);
  site.configure(public_table + app("a", at(site, 1), "route = \"a.test\"\n") + b);
  CHECK(daemon.ctl({"deploy", "a"}).exit_code == 0);
  CHECK(status_at(site.listener(0), to_host("a.test")) == 404);
  auto answer = client->exchange(to_host("a.test"));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK_FALSE(answer->keep_alive);
  CHECK(status_at(site.listener(0), to_host("b.test")) == 200);
}

TEST_CASE(
    "listener change: after a restart an app is reached where its record says, whatever the files say") {
  Site site;
  site.configure(app("web", at(site, 0)));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  SUBCASE("another address of its own") {
    site.configure(app("web", at(site, 1)));
  }
  SUBCASE("a shared listener") {
    site.configure("[listen.public]\naddress = \"" + at(site, 1) + "\"\n" + app("web", "public"));
  }
  SUBCASE("a shared listener at the same address") {
    site.configure("[listen.public]\naddress = \"" + at(site, 0) + "\"\n" + app("web", "public"));
  }
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  CHECK(status_at(site.listener(0)) == 200);
  auto status = daemon.app("web");
  REQUIRE(status.has_value());
  CHECK(status->listens == std::vector<std::string>{at(site, 0)});
  REQUIRE_FALSE(status->differs.empty());
  CHECK(status->differs.front().starts_with("listen"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(test::texts(daemon.app("web")->problems).empty());
}

TEST_CASE("listener change: after a restart an app is reached at its listener that was renamed or changed") {
  Site site;
  auto named = [&](const std::string& name, unsigned port) {
    return "[listen." + name + "]\naddress = \"" + at(site, port) + "\"\n" + app("web", name);
  };
  site.configure(named("public", 0));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  std::string differs;
  SUBCASE("renamed") {
    site.configure(named("front", 1));
    differs = "listen";
  }
  SUBCASE("another address") {
    site.configure(named("public", 1));
    differs = "listen.public.address";
  }
  SUBCASE("for an address of its own") {
    site.configure(app("web", at(site, 1)));
    differs = "listen";
  }
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  CHECK(status_at(site.listener(0)) == 200);
  CHECK(mentions(daemon.app("web")->differs, differs));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(status_at(site.listener(1)) == 200);
  CHECK(wait_until([&] { return refuses(site.listener(0)); }));
}

TEST_CASE("listener change: a live app without a listener is an error in the log and in status") {
  Site site;
  site.configure(app("web", at(site, 0)));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  site.configure(app("web", at(site, 1)));
  base::UniqueFd stranger = take(site.listener(0));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  const std::string text = "is live and reachable nowhere: listener " + at(site, 0);
  CHECK(daemon.log().find(text) != std::string::npos);
  CHECK(mentions(test::texts(daemon.app("web")->problems), text));
  CommandResult status = daemon.ctl({"status"});
  CHECK(status.out.find("  !  " + text) != std::string::npos);
  // It is tried again.
  stranger.reset();
  CHECK(
      wait_until([&] { return test::texts(daemon.app("web")->problems).empty(); }, std::chrono::seconds(30)));
  CHECK(status_at(site.listener(0)) == 200);
}

TEST_CASE("listener change: an app in TCP mode takes no listener that another one still has") {
  Site site;
  site.configure(app("a", at(site, 0)) + app("b", at(site, 1)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  site.configure(app("a", at(site, 2)) + app("b", at(site, 0), "proxy = \"tcp\"\n"));
  CommandResult early = daemon.ctl({"deploy", "b"});
  INFO(describe(early));
  CHECK(early.exit_code == 9);
  CHECK(early.err.find("is still used by a") != std::string::npos);
  CHECK(status_at(site.listener(0)) == 200);
}
