// Reading logs beside writing them: nothing that a reader does, or a disk, holds up the daemon.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/mount.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/stopped_thread.h"
#include "support/unix_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::seconds;

namespace {

// Does the process have this file open?
bool holds(pid_t pid, const std::filesystem::path& file) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), code)) {
    if (std::filesystem::read_symlink(entry, code) == file) return true;
  }
  return false;
}

std::string request(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: gv\r\nConnection: close\r\n\r\n";
}

// The numbers of numbered() lines in a text, which must grow; unset: they do not.
std::optional<int> growing(const std::string& text) {
  int lines = 0;
  int last = -1;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto at = line.find("line ");
    if (at == std::string::npos) continue;
    const int number = std::stoi(line.substr(at + 5));
    if (number <= last) return std::nullopt;
    last = number;
    ++lines;
  }
  return lines;
}

}  // namespace

TEST_CASE("log reading: while a huge file is searched output is written, and the search ends by itself") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  REQUIRE(wait_until([&] { return std::filesystem::exists(apps.log("web")); }));
  // Without blocks on the disk; to read it would take hours.
  const std::filesystem::path huge = apps.log("web").string() + ".1";
  std::ofstream(huge) << "";
  std::filesystem::resize_file(huge, 8ULL << 40);
  {
    UnixClient client(apps.site.socket().string());
    REQUIRE(client.send(request("/v1/apps/web/logs?grep=nowhere")));
    apps.say("web", "written meanwhile\n");
    CHECK(wait_until([&] { return has(content_of(apps.log("web")), "written meanwhile"); }));
    CHECK(has(daemon.ctl({"logs", "-n", "1", "web"}).out, "written meanwhile"));
    CHECK(has(client.read_all(), "gave up after "));
  }
  // Another goes before it is answered.
  {
    UnixClient client(apps.site.socket().string());
    REQUIRE(client.send(request("/v1/apps/web/logs?grep=nowhere")));
  }
  CHECK(wait_until([&] { return !holds(daemon.pid(), huge); }));
}

TEST_CASE("log reading: many searches at once take their turns, and other logs are shown meanwhile") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  const std::filesystem::path huge = apps.log("web").string() + ".1";
  std::ofstream(huge) << "";
  std::filesystem::resize_file(huge, 64ULL << 20);
  std::vector<std::unique_ptr<Command>> searches;
  for (int i = 0; i < 12; ++i) searches.push_back(daemon.ctl_beside({"logs", "--grep", "nowhere", "web"}));
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  for (const auto& search : searches) CHECK(search->wait(seconds(60)).exit_code == 0);
}

TEST_CASE("log reading: an instance without a number is refused") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  UnixClient client(apps.site.socket().string());
  REQUIRE(client.send(request("/v1/logs?select=web@")));
  CHECK(has(client.read_all(), "names no instance"));
  CHECK(daemon.ctl({"status"}).exit_code == 0);
}

TEST_CASE("log reading: a writer that hangs does not keep what is in memory from being shown") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  const CommandResult logs = daemon.ctl({"logs", "-n", "1000", "web"});
  INFO(describe(logs));
  CHECK(logs.exit_code == 0);
  CHECK(logs.out == "web@1.1  begins\n");
  CHECK(has(logs.err, "the disk does not answer"));
  writer.go_on();
  CHECK(daemon.ctl({"logs", "-n", "1000", "web"}).err.empty());
}

TEST_CASE("log reading: what memory lets go while files are read is told") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  UnixClient client(apps.site.socket().string());
  REQUIRE(client.send(request("/v1/apps/web/logs?n=20000")));
  REQUIRE(has(client.read_until("\r\n\r\n"), " 200 "));
  apps.say("web", numbered(0, 6000));  // 550 KB
  REQUIRE(wait_until([&] { return has(daemon.ctl({"logs", "-n", "1", "web"}).out, "line 05999"); }));
  writer.go_on();
  CHECK(
      has(client.read_all(),
          R"("note":"web wrote more while the log files were read than is kept in memory: some of it may be )"
          R"(missing here, so ask again")"));
}

TEST_CASE("log reading: beside many others, what comes out of memory is bounded as well, and that is told") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "stdout = \"/dev/null\"\n", "instances = 5\n"));
  DaemonProcess daemon(apps.site);
  apps.say("web", numbered(0, 6000));  // each instance: 550 KB, of which 256 KiB are kept
  for (int i = 1; i <= 5; ++i) REQUIRE(shows(daemon, fmt::format("web@1.{}", i), "line 05999"));
  const auto all = [&] { return daemon.ctl({"logs", "-n", "100000", "web"}); };
  CHECK(all().err.empty());
  std::vector<std::unique_ptr<UnixClient>> others;
  for (int i = 0; i < 8; ++i) {
    others.push_back(std::make_unique<UnixClient>(apps.site.socket().string()));
    REQUIRE(others.back()->send(request("/v1/apps/web/logs?follow=1&n=1")));
    REQUIRE(has(others.back()->read_until("line 05999"), " 200 "));
  }
  const CommandResult bounded = all();
  CHECK(bounded.out.size() < (1UL << 20));
  CHECK(has(bounded.err, "lines of web that are in memory are left out"));
}

TEST_CASE("log reading: all apps together bring no more lines at once than one may") {
  const EchoSite apps({"web", "api"});
  apps.site.configure(echo("web") + echo("api"));
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "x\n";
  std::filesystem::create_directories(apps.log("web").parent_path());
  for (const char* name : {"web", "api"}) std::ofstream(apps.log(name)) << text;
  DaemonProcess daemon(apps.site);
  for (const char* name : {"web", "api"}) REQUIRE(shows(daemon, name, "begins"));
  const CommandResult both = daemon.ctl({"logs", "-n", "100000"}, std::chrono::seconds(60));
  CHECK(both.exit_code == 0);
  CHECK(count(both.out, "\n") <= 100'002);
  CHECK(count(both.out, "\n") >= 99'998);
  CHECK(has(both.err, "no more than 100000 are read back at once"));
}

TEST_CASE("log reading: a follower that does not read is bounded, and told how much it missed") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "stdout = \"/dev/null\"\n"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  UnixClient client(apps.site.socket().string());
  REQUIRE(client.send(request("/v1/apps/web/logs?follow=1")));
  REQUIRE(has(client.read_until("begins"), "begins"));
  const std::size_t before = resident_kib(daemon.pid());
  constexpr int kLines = 90000;  // 8 MB
  apps.say("web", numbered(0, kLines));
  REQUIRE(
      wait_until([&] { return has(daemon.ctl({"logs", "-n", "1", "web"}).out, "line 89999"); }, seconds(60)));
  if (kMemoryIsOurs) CHECK(resident_kib(daemon.pid()) < before + (6UL << 10));
  const std::string missed = client.read_until("\"skipped\":");
  CHECK(has(missed, "was read\",\"skipped\":"));
  CHECK(count(missed, "\n") < kLines);
  apps.say("web", "after it\n");
  CHECK(has(client.read_until("after it"), "after it"));
}

TEST_CASE("log reading: on a full disk the lines keep their order, and none is shown twice") {
  const EchoSite apps({"web"});
  const auto disk = apps.site.directory() / "small";
  std::filesystem::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    return skip("no file system can be mounted here");
  apps.site.configure(echo("web", "stdout = \"@DIR@/small/web.log\"\nmax_size = \"1GiB\"\n"));
  {
    DaemonProcess daemon(apps.site);
    constexpr int kLines = 30000;  // 2.8 MB
    apps.say("web", numbered(0, kLines));
    CHECK(wait_until([&] { return has(daemon.ctl({"logs", "-n", "1", "web"}).out, "line 29999"); },
                     seconds(60)));
    REQUIRE(wait_until([&] { return std::filesystem::space(disk).available < 4096; }, seconds(20)));
    const std::string all = daemon.ctl({"logs", "-n", "100000", "web"}).out;
    const auto lines = growing(all);
    REQUIRE(lines.has_value());
    CHECK(*lines > 1U << 13U);
    CHECK(*lines < kLines);
    CHECK(has(all, "web@1.1  line 29999"));
    CHECK(has(all, "web  line 00000"));
  }
  (void)::umount2(disk.c_str(), MNT_DETACH);
}
