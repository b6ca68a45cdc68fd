// Apps that are reached at Unix sockets: bound by them (endpoint = "socket") or passed to them ("fd").
#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

namespace fs = std::filesystem;

std::string app(const std::string& command, const std::string& endpoint, const std::string& more = "") {
  return "[app.web]\ncommand = " + command + "\nendpoint = \"" + endpoint + "\"\nlisten = \"@LISTEN@\"\n" +
         more;
}

std::string demo(const std::string& endpoint, const std::string& version, const std::string& more = "") {
  std::string how = endpoint == "fd" ? " --fd" : " --socket {socket}";
  return app("\"@DEMO@ --version-text " + version + how + "\"", endpoint, more);
}

std::string python(const std::string& endpoint, const std::string& version, const std::string& more = "") {
  std::string how = endpoint == "fd" ? ", \"fd\"" : "";
  return app("[\"@PYTHON@\", \"@SUPPORT@/unix_app.py\"" + how + "]", endpoint,
             "environment = { VERSION = \"" + version + "\" }\n" + more);
}

// What lies below the folder of the apps' sockets.
std::vector<std::string> left_in(const Site& site) {
  std::vector<std::string> found;
  fs::path apps = site.directory() / "run" / "apps";
  if (!fs::exists(apps)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(apps)) found.push_back(entry.path().string());
  std::ranges::sort(found);
  return found;
}

std::string place(const Site& site, const std::string& file) {
  return (site.directory() / "run" / "apps" / file).string();
}

const std::string kNoGuard = "[app.web.deploy]\nguard = \"0s\"\n";

}  // namespace

TEST_CASE("endpoint socket: deploys under load lose no request, and no file is left") {
  Site site;
  site.configure(demo("socket", "v1", "instances = 2\n" + kNoGuard));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  auto status = daemon.app("web");
  REQUIRE(status.has_value());
  CHECK(status->instances.at(1).endpoint == "unix:" + place(site, "web/1/2-1.sock"));
  LoadGenerator load(site.listener(), Request{});
  Request post;
  post.method = "POST";
  post.target = "/echo";
  post.body = "some bytes";
  LoadGenerator posts(site.listener(), post, 2);
  for (std::string version : {"v2", "v3", "v4"}) {
    site.configure(demo("socket", version, "instances = 2\n" + kNoGuard));
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    CHECK(deploy.out.find(" unix:" + place(site, "web/")) != std::string::npos);
    CHECK(wait_until([&] { return load.so_far().answers_with("version " + version + " ") > 0; }));
  }
  for (LoadGenerator* one : {&load, &posts}) {
    LoadResult result = one->stop();
    INFO(describe(result));
    CHECK(result.failed() == 0);
  }
  // The old generations' folders went with their last file.
  CHECK(wait_until([&] { return left_in(site).size() == 4; }));
  CHECK(fs::exists(place(site, "web/4/1-1.sock")));
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(left_in(site).empty());
}

TEST_CASE("endpoint fd: deploys under load lose no request, and no file is left") {
  Site site;
  site.configure(demo("fd", "v1", "instances = 2\n" + kNoGuard));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  CHECK(daemon.app("web")->instances.at(0).endpoint == "unix:" + place(site, "web/1/1.sock"));
  LoadGenerator load(site.listener(), Request{});
  for (std::string version : {"v2", "v3", "v4"}) {
    site.configure(demo("fd", version, "instances = 2\n" + kNoGuard));
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    CHECK(wait_until([&] { return load.so_far().answers_with("version " + version + " ") > 0; }));
  }
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(wait_until([&] { return left_in(site).size() == 4; }));
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(left_in(site).empty());
}

TEST_CASE("endpoint: an app in an interpreter is told its place, and a deploy changes its kind hitlessly") {
  Site site;
  site.configure(python("socket", "v1", kNoGuard));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  std::string path = place(site, "web/1/1-1.sock");
  CHECK(answer->body.find("SOCKET=" + path + " PORT=- HOST=- LISTEN_FDNAMES=- ") != std::string::npos);
  LoadGenerator load(site.listener(), Request{});
  site.configure(python("fd", "v2", kNoGuard));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  REQUIRE(wait_until([&] { return load.so_far().answers_with("version v2 ") > 0; }));
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  path = place(site, "web/2/1.sock");
  CHECK(result.answers_with("SOCKET=" + path + " PORT=- HOST=- LISTEN_FDNAMES=http blocking=True") > 0);
}

TEST_CASE("endpoint fd: kill -9 of the only instance under load loses no GET") {
  Site site;
  site.configure(python("fd", "v1", "[app.web.restart]\nbackoff = \"100ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  LoadGenerator load(site.listener(), Request{}, 8);
  for (int i = 0; i < 3; ++i) {
    pid_t victim = daemon.pids("web").at(0);
    REQUIRE(
        wait_until([&] { return load.so_far().answers_with(" pid " + std::to_string(victim) + " ") > 0; }));
    REQUIRE(::kill(victim, SIGKILL) == 0);
    REQUIRE(wait_until([&] {
      auto pids = daemon.pids("web");
      return pids.size() == 1 && pids.front() != victim;
    }));
  }
  pid_t last = daemon.pids("web").at(0);
  CHECK(wait_until([&] { return load.so_far().answers_with(" pid " + std::to_string(last) + " ") > 0; }));
  LoadResult result = load.stop();
  INFO(describe(result) << "\n" << daemon.log());
  CHECK(result.failed() == 0);
}

TEST_CASE("endpoint fd: who connects while no process lives waits in the backlog for the next one") {
  Site site;
  site.configure(demo("fd", "v1", "[app.web.restart]\nbackoff = \"1s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(::kill(daemon.pids("web").at(0), SIGKILL) == 0);
  REQUIRE(wait_until([&] { return daemon.children() == 0; }));
  auto address = base::Address::unix_path(place(site, "web/1/1.sock"));
  REQUIRE(address.has_value());
  auto waiting = HttpConnection::connect(*address);
  REQUIRE(waiting.has_value());
  auto answer = waiting->get("/");
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(answer->body.find(" pid " + std::to_string(daemon.pids("web").at(0)) + " ") != std::string::npos);
}

TEST_CASE("endpoint fd: a stopped app has no socket, a started one has it again") {
  Site site;
  site.configure(demo("fd", "v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  CHECK(wait_until([&] { return left_in(site).empty(); }));
  CommandResult start = daemon.ctl({"start", "web"});
  INFO(describe(start) << daemon.log());
  CHECK(start.exit_code == 0);
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}

TEST_CASE("endpoint fd: an instance that is given up takes its socket along, and nobody waits for it") {
  Site site;
  site.configure(app("\"@DEMO@ --fd --exit-after 300ms\"", "fd",
                     "[app.web.restart]\nbackoff = \"10ms\"\nmax_failures = 2\n"));
  DaemonProcess daemon(site);
  CHECK(daemon.wait_state("web", "fatal"));
  CHECK(wait_until([&] { return left_in(site).empty(); }));
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
}

TEST_CASE("endpoint socket: a crashed instance is replaced at another path, and the old file goes") {
  Site site;
  site.configure(demo("socket", "v1", "[app.web.restart]\nbackoff = \"50ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t first = daemon.pids("web").at(0);
  REQUIRE(::kill(first, SIGKILL) == 0);
  REQUIRE(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != first;
  }));
  CHECK(daemon.app("web")->instances.at(0).endpoint == "unix:" + place(site, "web/1/1-2.sock"));
  CHECK(wait_until([&] { return !fs::exists(place(site, "web/1/1-1.sock")); }));
  CHECK(fetch(site.listener())->status == 200);
}

TEST_CASE("endpoint socket: an app that listens elsewhere is told where") {
  Site site;
  site.configure(demo("socket", "v1"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(app("[\"/bin/sh\", \"-c\", \"unset SOCKET; exec @DEMO@ --port 0\"]", "socket",
                     "[app.web.deploy]\ntimeout = \"1s\"\n"));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 11);
  CHECK(deploy.out.find("; the process listens on 127.0.0.1:") != std::string::npos);
}

TEST_CASE("endpoint: what a crashed daemon left is removed, of apps that are gone as well") {
  Site site;
  std::string other = "[app.old]\ncommand = \"@DEMO@ --fd\"\nendpoint = \"fd\"\nlisten = \"@LISTEN1@\"\n";
  site.configure(demo("socket", "v1", "instances = 2\n" + kNoGuard) + other);
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    REQUIRE(daemon.wait_healthy("old", 1));
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
    daemon.crash();
  }
  CHECK(fs::exists(place(site, "old/1/1.sock")));
  CHECK(fs::exists(place(site, "web/2/2-1.sock")));
  site.configure(demo("socket", "v1", kNoGuard));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  CHECK(left_in(site) == std::vector{place(site, "web"), place(site, "web/2"), place(site, "web/2/1-1.sock"),
                                     place(site, "web/2/2-1.sock")});
  CHECK(fetch(site.listener())->status == 200);
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(left_in(site).empty());
}

TEST_CASE("endpoint socket: a link that an app's user lays to a socket of root's leads nowhere") {
  if (::geteuid() != 0 || ::getpwnam("nobody") == nullptr) {
    MESSAGE("skipped: needs root and the user nobody");
    return;
  }
  Site site;
  fs::permissions(site.directory(), fs::perms::others_exec, fs::perm_options::add);
  site.configure(
      python("socket", "v1", "user = \"nobody\"\ndirectory = \"/\"\n[app.web.deploy]\nhold = \"0s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Request request;
  request.target = "/v1/status";
  request.host = "gv";
  REQUIRE(fetch(site.listener(), request)->status == 200);
  fs::remove(place(site, "web/1/1-1.sock"));
  fs::create_symlink(site.socket(), place(site, "web/1/1-1.sock"));
  auto answer = fetch(site.listener(), request);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 502);
}

TEST_CASE("endpoint: an app of another user binds its socket and takes a passed one") {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr) {
    MESSAGE("skipped: needs root and the user nobody");
    return;
  }
  for (std::string kind : {"socket", "fd"}) {
    CAPTURE(kind);
    Site site;
    fs::permissions(site.directory(), fs::perms::others_exec, fs::perm_options::add);
    site.configure(python(kind, "v1", "user = \"nobody\"\ndirectory = \"/\"\n"));
    DaemonProcess daemon(site);
    REQUIRE_MESSAGE(daemon.wait_healthy("web", 1),
                    (daemon.ctl({"status"}).out + daemon.ctl({"logs", "web"}).out));
    CHECK(fetch(site.listener())->status == 200);
    CHECK(daemon.terminate().exit_code == 0);
    CHECK(left_in(site).empty());
  }
}
