// A daemon starts, starts its apps, and serves them; and what keeps it from starting is said clearly.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "loop/listening_socket.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kDemo =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n";

std::string proc_text(pid_t pid, const std::string& name) {
  return content_of("/proc/" + std::to_string(pid) + "/" + name);
}

bool has_variable(const std::string& environ, const std::string& assignment) {
  // Entries end with NUL, so that a whole one is found by its ends.
  return (std::string(1, '\0') + environ).find('\0' + assignment + '\0') != std::string::npos;
}

}  // namespace

TEST_CASE("start: an app is started, found healthy and served") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto answer = fetch(site.listener());
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
  CHECK(answer->body.find("version v1 ") == 0);
  CHECK(daemon.children() == 1);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("start: requests wait while the app boots") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@ --boot-delay 700ms\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  auto answer = fetch(site.listener());
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
}

TEST_CASE("start: two instances share the requests") {
  Site site;
  site.configure(std::string(kDemo) + "instances = 2\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  LoadGenerator load(site.listener(), Request{});
  CHECK(wait_until([&] { return load.so_far().bodies.size() == 2; }));
  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(daemon.pids("web").size() == 2);
}

TEST_CASE("start: a child has a session of its own, a clean environment and no descriptor of the daemon") {
  REQUIRE(::setenv("GV_TEST_LEAK", "secret", 1) == 0);
  Site site;
  std::filesystem::create_directories(site.directory() / "srv");
  std::filesystem::create_directory_symlink(site.directory() / "srv", site.directory() / "current");
  site.configure(std::string(kDemo) +
                 "directory = \"@DIR@/current\"\n"
                 "environment = { COLOR = \"blue\", BASE = \"{directory}/x\" }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t pid = daemon.pids("web").at(0);
  CHECK(::getsid(pid) == pid);
  CHECK(::getpgid(pid) == pid);
  std::string real = std::filesystem::canonical(site.directory() / "srv");
  CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd") == real);

  std::string environment = proc_text(pid, "environ");
  CHECK(has_variable(environment, "COLOR=blue"));
  CHECK(has_variable(environment, "BASE=" + real + "/x"));
  CHECK(has_variable(environment, "GV_APP=web"));
  CHECK(has_variable(environment, "GV_GENERATION=1"));
  CHECK(has_variable(environment, "HOST=127.0.0.1"));
  CHECK(environment.find("PORT=") != std::string::npos);
  CHECK(environment.find("GV_TEST_LEAK") == std::string::npos);

  auto status = daemon.status();
  REQUIRE(status.has_value());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    std::string target = std::filesystem::read_symlink(entry.path(), gone);
    // gvdemo holds its own listener and event loop; files of ours would be the lock, state or log files.
    CHECK_MESSAGE(target.find(site.directory().string()) == std::string::npos, target);
  }
}

TEST_CASE("start: a busy port is named and nothing is left running") {
  Site site;
  site.configure(kDemo);
  auto occupied = loop::open_listening_sockets(site.listener(), 1);
  REQUIRE(occupied.has_value());
  DaemonProcess daemon(site);
  CommandResult result = daemon.wait_end();
  INFO(describe(result));
  CHECK(result.exit_code > 0);
  CHECK(result.err.find(site.listener().text()) != std::string::npos);
}

TEST_CASE("start: an app whose program is missing keeps neither the daemon nor another app from it") {
  Site site;
  site.configure(std::string(kDemo) + "[app.bad]\ncommand = \"/nonexistent/server\"\nendpoint = \"none\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult status = daemon.ctl({"status"});
  INFO(describe(status));
  CHECK(status.exit_code == 0);
  CHECK(status.out.find("/nonexistent/server") != std::string::npos);
  auto bad = daemon.app("bad");
  REQUIRE(bad.has_value());
  CHECK(bad->healthy == 0);
}

TEST_CASE("start: directories that cannot be written are named") {
  Site site;
  (void)site.files().write("file", "no folder");
  for (std::string key : {"runtime_dir", "state_dir"}) {
    std::string other = key == "runtime_dir" ? "state_dir" : "runtime_dir";
    site.configure_whole("[daemon]\n" + key + " = \"@DIR@/file/x\"\n" + other + " = \"@DIR@/other\"\n" +
                         kDemo);
    CommandResult result = run_command({GV_DAEMON, "-c", site.config()});
    INFO(key << ": " << describe(result));
    CHECK(result.exit_code > 0);
    CHECK_FALSE(result.timed_out);
    CHECK(result.err.find((site.directory() / "file").string()) != std::string::npos);
  }
}

TEST_CASE("start: a stale control socket is taken over") {
  Site site;
  site.configure(kDemo);
  std::filesystem::create_directories(site.socket().parent_path());
  auto address = base::Address::unix_path(site.socket().string());
  REQUIRE(address.has_value());
  // Closing does not remove the path: what a crashed daemon leaves.
  REQUIRE(loop::open_listening_sockets(*address, 1).has_value());
  REQUIRE(std::filesystem::exists(site.socket()));
  DaemonProcess daemon(site);
  CHECK(daemon.wait_healthy("web", 1));
}

TEST_CASE("start: a control socket on which somebody answers is left alone") {
  Site site;
  site.configure(kDemo);
  std::filesystem::create_directories(site.socket().parent_path());
  auto address = base::Address::unix_path(site.socket().string());
  REQUIRE(address.has_value());
  auto stranger = loop::open_listening_sockets(*address, 1);
  REQUIRE(stranger.has_value());
  CommandResult result = run_command({GV_DAEMON, "-c", site.config()});
  INFO(describe(result));
  CHECK(result.exit_code > 0);
  CHECK_FALSE(result.timed_out);
  CHECK(result.err.find(site.socket().string()) != std::string::npos);
  CHECK(HttpConnection::connect(*address).has_value());
}

TEST_CASE("start: a second daemon on the same directories is refused and the first goes on") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult second = run_command({GV_DAEMON, "-c", site.config()});
  INFO(describe(second));
  CHECK(second.exit_code > 0);
  CHECK_FALSE(second.timed_out);
  CHECK(second.err.find(site.directory().string()) != std::string::npos);
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(daemon.ctl({"status"}).exit_code == 0);
}

TEST_CASE("start: after a crash of the daemon the next one serves again") {
  Site site;
  site.configure(kDemo);
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    daemon.crash();
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}
