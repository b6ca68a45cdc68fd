// Sockets that outlive a daemon: those that clients connect to, those of apps, the control socket.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

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

std::string app_at(const std::string& endpoint, const std::string& version) {
  const std::string how = endpoint == "fd" ? "--fd" : "--socket {socket}";
  return "[app.web]\ncommand = \"@DEMO@ --version-text " + version + " " + how + "\"\nendpoint = \"" +
         endpoint +
         "\"\nlisten = \"@LISTEN@\"\ninstances = 2\nhealth = { path = \"/health\", interval = \"50ms\" }\n"
         "restart.backoff = \"10ms\"\ndeploy.guard = \"0s\"\n";
}

base::Address unix_address(const Site& site, const std::string& name) {
  const auto address = base::Address::unix_path((site.directory() / name).string());
  REQUIRE(address.has_value());
  return *address;
}

ino_t inode_of(const std::filesystem::path& file) {
  struct stat now{};
  return ::stat(file.c_str(), &now) == 0 ? now.st_ino : 0;
}

// The links of /proc/PID/fd but for the first three.
std::vector<std::string> further_descriptors(pid_t pid) {
  std::vector<std::string> links;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    const std::string number = entry.path().filename();
    if (number == "0" || number == "1" || number == "2") continue;
    links.push_back(number + " " + std::filesystem::read_symlink(entry.path()).string());
  }
  return links;
}

}  // namespace

TEST_CASE("continuity: apps at Unix sockets, their own or passed to them, serve on after a kill") {
  for (const std::string endpoint : {"socket", "fd"}) {
    CAPTURE(endpoint);
    Site site;
    site.configure(app_at(endpoint, "v1"));
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    const auto before = daemon.app("web")->instances;
    const Population apps = population(daemon);
    for (int i = 0; i < 2; ++i) {
      (void)replace_daemon(daemon);
      REQUIRE(daemon.wait_healthy("web", 2));
      CHECK(population(daemon) == apps);
      const auto now = daemon.app("web")->instances;
      for (std::size_t slot = 0; slot < 2; ++slot) CHECK(now.at(slot).endpoint == before.at(slot).endpoint);
      CHECK(served_by(site.listener()) == "v1");
    }
    // An instance that crashes comes back, and so does what a deploy brings.
    const pid_t first = daemon.pids("web").at(0);
    REQUIRE(::kill(first, SIGKILL) == 0);
    REQUIRE(wait_until([&] { return !alive(first) && daemon.pids("web").size() == 2; }));
    site.configure(app_at(endpoint, "v2"));
    const CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    CHECK(served_by(site.listener()) == "v2");
    CHECK(wait_until([&] { return daemon.children() == 2; }));
    (void)replace_daemon(daemon);
    REQUIRE(daemon.wait_healthy("web", 2));
    CHECK(served_by(site.listener()) == "v2");
    CHECK(daemon.terminate().exit_code == 0);
  }
}

TEST_CASE("continuity: all listeners of several apps keep their sockets, Unix ones their files") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") +
                 "[app.api]\ncommand = \"@DEMO@ --version-text api\"\nlisten = [\"@LISTEN1@\", "
                 "\"unix:@DIR@/api.sock\"]\nhealth = \"/health\"\n" +
                 named_app("files", "unix:@DIR@/files.sock"));
  DaemonProcess daemon(site);
  for (const char* name : {"web", "api", "files"}) REQUIRE(daemon.wait_healthy(name, 1));
  const std::vector<std::filesystem::path> files{site.directory() / "api.sock",
                                                 site.directory() / "files.sock", site.socket()};
  std::vector<ino_t> inodes;
  for (const auto& file : files) inodes.push_back(inode_of(file));
  LoadGenerator tcp(site.listener(1), Request{}, 2);
  LoadGenerator local(unix_address(site, "files.sock"), Request{}, 2);
  constexpr unsigned kKills = 3;
  for (unsigned i = 0; i < kKills; ++i) {
    const std::uint64_t before = local.so_far().ok;
    REQUIRE(wait_until([&] { return local.so_far().ok >= before + 50; }));
    (void)replace_daemon(daemon);
    CHECK(served_by(site.listener()) == "web");
    CHECK(served_by(site.listener(1)) == "api");
    CHECK(served_by(unix_address(site, "api.sock")) == "api");
    CHECK(served_by(unix_address(site, "files.sock")) == "files");
    for (std::size_t k = 0; k < files.size(); ++k) CHECK(inode_of(files[k]) == inodes[k]);
  }
  for (LoadGenerator* load : {&tcp, &local}) {
    const LoadResult result = load->stop();
    INFO(describe(result) << daemon.log());
    CHECK(result.connect_errors == 0);
    CHECK(result.other_status == 0);
    CHECK(result.failed() <= 2 * kKills);
  }
  CHECK(daemon.terminate().exit_code == 0);
  for (const auto& file : files) CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("continuity: a listener that was given up is refused, and one that came with a reload is kept") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(named_app("web", "@LISTEN1@"));
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  REQUIRE(wait_until([&] { return refuses(site.listener()); }));
  (void)replace_daemon(daemon);
  CHECK(served_by(site.listener(1)) == "web");
  CHECK(refuses(site.listener()));
}

TEST_CASE("continuity: an app has no descriptor but its three and its socket, whichever daemon started it") {
  Site site;
  const auto sleeper = [](const std::string& name, const std::string& endpoint) {
    return "[app." + name + "]\ncommand = [\"/bin/sleep\", \"600\"]\nendpoint = \"" + endpoint +
           "\"\nrestart.backoff = \"10ms\"\n";
  };
  site.configure(sleeper("job", "none") + "deploy.settle = \"10ms\"\n" + sleeper("passed", "fd") +
                 "listen = \"@LISTEN@\"\nhealth = { path = \"/health\", start_timeout = \"10m\" }\n");
  DaemonProcess daemon(site);
  const auto pid_of = [&](const std::string& name) {
    const auto app = daemon.app(name);
    return app && app->instances.size() == 1 ? app->instances.front().pid : 0;
  };
  for (int i = 0; i < 2; ++i) {
    CAPTURE(i);
    for (const char* name : {"job", "passed"}) {
      REQUIRE(wait_until(
          [&] { return pid_of(name) > 0 && command_line(pid_of(name)).starts_with("/bin/sleep"); }));
    }
    // While it starts, its loader has files open for a moment.
    CHECK(wait_until([&] { return further_descriptors(pid_of("job")).empty(); }));
    CHECK(wait_until([&] { return further_descriptors(pid_of("passed")).size() == 1; }));
    CHECK(further_descriptors(pid_of("passed")).front().starts_with("3 socket:"));
    if (i == 1) break;
    (void)replace_daemon(daemon);
    for (const char* name : {"job", "passed"}) {
      const pid_t first = pid_of(name);
      REQUIRE(::kill(first, SIGKILL) == 0);
      REQUIRE(wait_until([&] { return pid_of(name) > 0 && pid_of(name) != first; }));
    }
  }
}

TEST_CASE("continuity: over twenty kills neither the keeper nor the daemon gathers descriptors") {
  Site site;
  site.configure(named_app("web", "@LISTEN@",
                           "instances = 2\nrestart = { backoff = \"10ms\", backoff_max = \"50ms\" }\n") +
                 named_app("api", "unix:@DIR@/api.sock") +
                 "[app.job]\ncommand = \"sleep 600\"\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n");
  DaemonProcess daemon(site);
  struct Owned {
    std::size_t keeper = 0;
    std::size_t daemon = 0;
  };
  const auto settled = [&] {
    REQUIRE(daemon.wait_healthy("web", 2));
    REQUIRE(daemon.wait_healthy("api", 1));
    REQUIRE(daemon.wait_healthy("job", 1));
    // One that lives for a while is followed at once.
    REQUIRE(wait_until([&] { return daemon.status().value_or(control::StatusReport{}).uptime_s >= 2; }));
    return Owned{open_descriptors(daemon.keeper()), open_descriptors(daemon.pid())};
  };
  (void)settled();
  (void)replace_daemon(daemon);
  const Owned before = settled();
  for (int i = 0; i < 20; ++i) {
    (void)replace_daemon(daemon);
    // Each second kill finds something that was started, or ended, meanwhile.
    if (i % 2 == 0) {
      REQUIRE(daemon.wait_healthy("web", 2));
      REQUIRE(::kill(daemon.pids("web").at(0), SIGKILL) == 0);
    }
    (void)settled();
  }
  const Owned after = settled();
  MESSAGE("descriptors of the keeper " << before.keeper << " -> " << after.keeper << ", of the daemon "
                                       << before.daemon << " -> " << after.daemon);
  CHECK(after.keeper == before.keeper);
  // Probes and idle connections to instances come and go.
  CHECK(after.daemon <= before.daemon + 8);
}
