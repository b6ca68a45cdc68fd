// Deploys that succeed: nothing is lost, whatever the clients do meanwhile.
#include <doctest/doctest.h>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/stalled_clients.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string demo(const std::string& switches, const std::string& more = "") {
  return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"@LISTEN@\"\n" + more +
         "[app.web.deploy]\nguard = \"0s\"\n";
}

}  // namespace

TEST_CASE("deploy: under load no request fails and no client connection is closed") {
  Site site;
  site.configure(demo("--version-text v1", "instances = 2\nhealth = \"/health\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  constexpr unsigned kClients = 6;
  LoadGenerator load(site.listener(), Request{}, kClients);
  REQUIRE(wait_until([&] { return load.so_far().answers_with("version v1 ") > 0; }));

  for (unsigned i = 2; i <= 5; ++i) {
    std::string version = "v" + std::to_string(i);
    site.configure(demo("--version-text " + version, "instances = 2\nhealth = \"/health\"\n"));
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    REQUIRE(deploy.exit_code == 0);
    CHECK(deploy.out.find("cutover") != std::string::npos);
    CHECK(deploy.out.find("0 failed") != std::string::npos);
    CHECK(wait_until([&] { return load.so_far().answers_with("version " + version + " ") > 0; }));
  }
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(result.connections == kClients);
  CHECK(wait_until([&] { return daemon.children() == 2; }));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 5);
}

TEST_CASE("deploy: without a health check a slow boot loses nothing") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(demo("--version-text v2 --boot-delay 1500ms"));
  LoadGenerator load(site.listener(), Request{});
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.took >= std::chrono::milliseconds(1500));
  CHECK(wait_until([&] { return load.so_far().answers_with("version v2 ") > 0; }));
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
}

TEST_CASE("deploy: request bodies under load arrive whole at one generation or the other") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Request post;
  post.method = "POST";
  post.target = "/echo";
  post.body = std::string(20000, 'b') + "end";
  LoadGenerator counted(site.listener(), post, 2);
  post.chunked = true;
  LoadGenerator chunked(site.listener(), post, 2);
  for (int i = 0; i < 3; ++i) {
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
  }
  for (LoadGenerator* load : {&counted, &chunked}) {
    LoadResult result = load->stop();
    INFO(describe(result));
    CHECK(result.failed() == 0);
    CHECK(result.bodies.size() == 1);
    CHECK(result.bodies.count(post.body) == 1);
  }
}

TEST_CASE("deploy: an idle client connection goes on with the new generation") {
  Site site;
  site.configure(demo("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto connection = HttpConnection::connect(site.listener());
  REQUIRE(connection.has_value());
  auto before = connection->get("/");
  REQUIRE(before.has_value());
  CHECK(before->body.find("version v1 ") == 0);
  site.configure(demo("--version-text v2"));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK_FALSE(connection->closed_by_server());
  auto after = connection->get("/");
  REQUIRE(after.has_value());
  CHECK(after->body.find("version v2 ") == 0);
}

TEST_CASE("deploy: a slow request ends on the old generation, which is signalled only then") {
  Site site;
  std::string stop = "[app.web.stop]\ntimeout = \"500ms\"\n";
  site.configure(demo("--version-text v1") + stop);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto slow = HttpConnection::connect(site.listener());
  REQUIRE(slow.has_value());
  Request request;
  request.target = "/slow?ms=2500";
  REQUIRE(slow->send(to_text(request)).has_value());
  REQUIRE(wait_until([&] {
    auto app = daemon.app("web");
    return app && !app->instances.empty() && app->instances.front().in_flight == 1;
  }));

  site.configure(demo("--version-text v2") + stop);
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  CHECK(wait_until([&] {
    auto answer = fetch(site.listener());
    return answer && answer->body.find("version v2 ") == 0;
  }));
  auto answer = slow->read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK(answer->body.find("slow version v1 ") == 0);
  CommandResult result = deploy->wait();
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(wait_until([&] { return daemon.children() == 1; }));
}

TEST_CASE("deploy: at the drain deadline clients that read nothing are cut, and the old generation ends") {
  Site site;
  site.configure(demo("",
                      "[app.web.proxy_options]\nsend_timeout = \"10m\"\n"
                      "[app.web.log]\naccess = \"@DIR@/access.log\"\n") +
                 "drain_timeout = \"1s\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  StalledClients clients(site.listener());
  REQUIRE(clients.wait_stalled(daemon.app("web")->instances.at(0)));
  CommandResult deploy = daemon.ctl({"deploy", "web"}, std::chrono::seconds(20));
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.out.find(" 6 cut") != std::string::npos);
  CHECK(daemon.children() == 1);
  CHECK(wait_until([&] { return count_cut(site.directory() / "access.log") == clients.size(); }));
  CHECK(clients.count_reset() == clients.size());
}

TEST_CASE("deploy: the guarded old generation stays until the guard is over") {
  Site site;
  std::string app =
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"1s\"\n";
  site.configure(app);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.took >= std::chrono::seconds(1));
  CHECK(deploy.out.find("guard") != std::string::npos);
  CHECK(wait_until([&] { return daemon.children() == 1; }));
}

TEST_CASE("deploy: a new instance that dies within the guard brings the old generation back") {
  Site site;
  auto config = [](const std::string& switches) {
    return "[app.web]\ncommand = \"@DEMO@ " + switches +
           "\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"5s\"\n";
  };
  site.configure(config("--version-text v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  LoadGenerator load(site.listener(), Request{});
  site.configure(config("--version-text v2 --exit-after 1s"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 13);
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->body.find("version v1 ") == 0);
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
}

TEST_CASE("deploy: an app in an interpreter that co-operates in nothing loses no request") {
  Site site;
  auto config = [](const std::string& version) {
    return "[app.web]\ncommand = [\"@PYTHON@\", \"@SUPPORT@/slow_app.py\"]\ninstances = 2\nlisten = "
           "\"@LISTEN@\"\n"
           "environment = { BOOT_SECONDS = \"0.5\", VERSION = \"" +
           version + "\" }\n[app.web.deploy]\nguard = \"0s\"\n";
  };
  site.configure(config("v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  LoadGenerator load(site.listener(), Request{});
  for (std::string version : {"v2", "v3"}) {
    site.configure(config(version));
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    CHECK(wait_until([&] { return load.so_far().answers_with("version " + version + " ") > 0; }));
  }
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(wait_until([&] { return daemon.children() == 2; }));
}

TEST_CASE("deploy: --json prints an object per phase and the receipt last") {
  Site site;
  site.configure(demo(""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult deploy = daemon.ctl({"--json", "deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 0);
  std::size_t lines = 0;
  std::optional<int> exit;
  for (std::size_t at = 0; at < deploy.out.size(); ++lines) {
    std::size_t end = deploy.out.find('\n', at);
    REQUIRE(end != std::string::npos);
    auto line = control::read_report_line(deploy.out.substr(at, end - at));
    REQUIRE(line.has_value());
    CHECK_FALSE(exit.has_value());  // nothing follows the receipt
    exit = line->exit;
    at = end + 1;
  }
  CHECK(lines >= 3);
  CHECK(exit == 0);
}
