// The limit of open files: what is refused before anything starts, and what goes on working when clients have
// taken all that is theirs.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// The daemon's program under a hard limit.
std::filesystem::path limited(const Site& site, unsigned files) {
  auto script = site.directory() / ("limited-" + std::to_string(files));
  std::ofstream(script) << "#!/bin/sh\nulimit -n " << files << "\nexec " << GV_DAEMON << " \"$@\"\n";
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  return script;
}

std::string web(unsigned instances) {
  return "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\ninstances = " + std::to_string(instances) +
         "\nhealth = { path = \"/health\", interval = \"50ms\" }\nrestart = { backoff = \"10ms\" }\n";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("descriptors: a hard limit below the need is refused with both numbers before anything starts") {
  Site site;
  site.configure(web(2));
  DaemonProcess daemon(site, {}, limited(site, 300));
  CommandResult result = daemon.wait_end();
  CHECK(result.exit_code == 2);
  CHECK(contains(daemon.log(),
                 "the limit of open files (RLIMIT_NOFILE) is 300, and 368 are needed for 2 instances"));
  CHECK_FALSE(std::filesystem::exists(site.socket()));
}

TEST_CASE("descriptors: with records the daemon serves below the need and refuses deploys and says so") {
  Site site;
  site.configure(web(2));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    CHECK(daemon.terminate().exit_code == 0);
  }
  DaemonProcess daemon(site, {}, limited(site, 300));
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 2), daemon.log());
  CHECK(fetch(site.listener()).has_value());
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  CHECK(deploy.exit_code == 9);
  CHECK(contains(deploy.err, "RLIMIT_NOFILE) is 300, and 368 are needed for 2 instances"));
  CommandResult status = daemon.ctl({"status"});
  CHECK(contains(status.out, "deploys are refused until it is raised"));
  CHECK(contains(daemon.log(), "warning descriptors cause=\"the limit of open files (RLIMIT_NOFILE) is 300"));
  CHECK(daemon.status()->open_files == 300);
  CHECK(daemon.status()->open_files_needed == 368);
}

TEST_CASE("descriptors: however many clients come a crashed instance is replaced and gvctl answered") {
  Site site;
  site.configure(web(2));
  DaemonProcess daemon(site, {}, limited(site, 368));
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 2), daemon.log());
  CHECK(daemon.status()->max_connections == 128);
  // Each has asked once, so that idle connections to the instances are there as well.
  std::vector<HttpConnection> clients;
  std::size_t served = 0;
  for (int i = 0; i < 300; ++i) {
    auto client = HttpConnection::connect(site.listener());
    if (!client) continue;
    auto answer = client->get("/");
    if (answer && answer->status == 200) ++served;
    clients.push_back(std::move(*client));
  }
  CHECK(served == 300);  // those that are idle make room
  // Those in the middle of a request do not.
  std::vector<HttpConnection> busy;
  for (int i = 0; i < 300; ++i) {
    auto client = HttpConnection::connect(site.listener());
    if (!client) continue;
    (void)client->send("GET / HTTP/1.1\r\n");
    busy.push_back(std::move(*client));
  }
  auto before = daemon.pids("web");
  REQUIRE(before.size() == 2);
  REQUIRE(::kill(before[0], SIGKILL) == 0);
  CHECK(wait_until(
      [&] {
        auto now = daemon.pids("web");
        return now.size() == 2 && now[0] != before[0];
      },
      std::chrono::seconds(20)));
  CommandResult status = daemon.ctl({"status"});
  CHECK(status.exit_code == 0);
  CHECK(contains(status.out, "connections of clients were turned away"));
  CHECK(contains(status.out, "all 128 places are taken (limit of open files: 368)"));
  CHECK(contains(daemon.log(), "warning shortage what=places times="));
  // Not even a deploy is short of anything.
  CommandResult deploy = daemon.ctl({"deploy", "web"}, std::chrono::seconds(60));
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK_FALSE(contains(daemon.log(), "EMFILE"));
}
