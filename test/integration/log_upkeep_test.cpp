// Old log files that go by age or size, or are compressed, through the real daemon.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <string>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/gzip.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
namespace fs = std::filesystem;

namespace {

template <class Condition>
bool soon(Condition condition) {
  return wait_until(condition, std::chrono::seconds(30));
}

std::string app(const std::string& log, const std::string& code) {
  return "[app.web]\nendpoint = \"none\"\ncommand = [\"@PYTHON@\", \"-u\", \"-c\", '''\nimport time\n" +
         code + "\ntime.sleep(1000)\n''']\n[app.web.log]\nstdout = \"@DIR@/logs/web.log\"\n" + log;
}

void put_old(const fs::path& path, std::size_t size, std::time_t ago) {
  fs::create_directories(path.parent_path());
  put_content(path, std::string(size - 1, 'x') + "\n");
  const timespec then{std::time(nullptr) - ago, 0};
  const timespec times[2] = {then, then};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("log upkeep: old files go by age and by size, also of an app that does not run") {
  Site site;
  const std::string log = (site.directory() / "logs/web.log").string();
  put_old(log + ".1", 1000, 60);
  put_old(log + ".2", 1000, 7000);
  put_old(log + ".3.gz", 1000, 100'000);
  site.configure(app("max_age = \"1d\"\n", "print('hello')"));
  DaemonProcess daemon(site);
  CHECK(soon([&] { return !fs::exists(log + ".3.gz"); }));
  CHECK(fs::exists(log + ".2"));
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  site.configure(app("total_size = \"1500B\"\n", "print('hello')"));
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(soon([&] { return !fs::exists(log + ".2"); }));
  CHECK(fs::exists(log + ".1"));
  CHECK(fs::exists(log));
}

TEST_CASE("log upkeep: a compression that a killed daemon or an upgrade left half done is done again") {
  for (const bool upgrades : {false, true}) {
    CAPTURE(upgrades);
    Site site;
    const std::string log = (site.directory() / "logs/web.log").string();
    fs::create_directories(site.directory() / "logs");
    // So large that it takes a while, and yet nothing on the disk.
    put_content(log + ".1", "");
    fs::resize_file(log + ".1", 64ULL << 30);
    site.configure(app("compress = true\n", "print('hello')"));
    DaemonProcess daemon(site);
    pid_t gzip = 0;
    REQUIRE(soon([&] {
      for (const pid_t one : descendants_of(daemon.keeper())) {
        if (command_line(one).starts_with("gzip -c")) gzip = one;
      }
      return gzip != 0;
    }));
    CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>(gzip)) == 19);
    CHECK(fs::exists(log + ".gz.part"));
    REQUIRE(::kill(gzip, SIGSTOP) == 0);
    fs::resize_file(log + ".1", 10'000);
    if (upgrades) {
      (void)upgrade_well(daemon);
      REQUIRE(wait_alone(daemon));
    } else {
      daemon.kill_daemon();
    }
    CHECK(soon([&] { return !alive(gzip); }));
    INFO(daemon.log());
    CHECK(soon([&] { return fs::exists(log + ".1.gz") && !fs::exists(log + ".1"); }));
    CHECK_FALSE(fs::exists(log + ".gz.part"));
    CHECK(run_command({"gzip", "-t", log + ".1.gz"}).exit_code == 0);
    CHECK_FALSE(has(daemon.log(), "cannot be compressed"));
  }
}

TEST_CASE("log upkeep: a bomb, a cut file, a link and a pipe in place of a compressed file cost a remark") {
  Site site;
  const fs::path log = site.directory() / "logs/web.log";
  const std::string gz = log.string() + ".1.gz";
  fs::create_directories(log.parent_path());
  site.configure(app("", "print('hello')"));
  DaemonProcess daemon(site);
  REQUIRE(soon([&] { return has(daemon.ctl({"logs", "web"}).out, "hello"); }));
  const auto logs = [&] {
    const CommandResult result = daemon.ctl({"logs", "-n", "100", "web"});
    INFO(describe(result));
    CHECK(result.exit_code == 0);
    CHECK(has(result.out, "hello\n"));
    return result;
  };
  put_content(gz, gzipped("older\n"));
  CHECK(has(logs().out, "older\n"));
  put_content(gz, gzipped("older\n").substr(0, 15));
  CHECK(has(logs().err, "older lines are left out: " + gz + ": it is cut"));
  std::string bomb = gzipped(std::string(64UL << 20, 'x'));
  put_content(gz, bomb + bomb);
  const CommandResult bombed = logs();
  CHECK(has(bombed.err, "older lines are left out: " + gz + ": it becomes larger than 64 MiB"));
  CHECK(bombed.out.size() < 1000);
  put_content(site.directory() / "secret.gz", gzipped("secret\n"));
  fs::remove(gz);
  fs::create_symlink(site.directory() / "secret.gz", gz);
  CHECK_FALSE(has(logs().out, "secret"));
  fs::remove(gz);
  REQUIRE(::mkfifo(gz.c_str(), 0644) == 0);
  CHECK_FALSE(has(logs().out, "secret"));
  CHECK(daemon.running());
}

TEST_CASE("log upkeep: what was rotated is compressed and gvctl reads it after a restart") {
  Site site;
  const std::string log = (site.directory() / "logs/web.log").string();
  site.configure(app("max_size = \"1KiB\"\nkeep = 20\ncompress = true\n", R"(
for i in range(100):
    print('line %04d %s' % (i, 'x' * 90)))"));
  DaemonProcess daemon(site);
  // Ten lines a file: nine old ones.
  CHECK(soon([&] {
    for (int number = 1; number <= 9; ++number) {
      if (!fs::exists(log + "." + std::to_string(number) + ".gz")) return false;
    }
    return !fs::exists(log + ".1");
  }));
  CHECK_FALSE(fs::exists(log + ".gz.part"));
  const CommandResult sound =
      run_command({"/bin/sh", "-c", "gzip -t " + log + ".*.gz && zcat " + log + ".9.gz"});
  INFO(describe(sound));
  CHECK(sound.exit_code == 0);
  CHECK(has(sound.out, "line 0000 "));
  CHECK_FALSE(has(daemon.log(), "cannot be compressed"));
  daemon.kill_daemon();
  REQUIRE(soon([&] { return daemon.ctl({"status"}).exit_code == 0; }));
  const CommandResult logs = daemon.ctl({"logs", "-n", "95", "web"});
  INFO(describe(logs));
  CHECK(logs.exit_code == 0);
  std::size_t lines = 0;
  for (int i = 5; i < 100; ++i) {
    const std::string number = std::to_string(i);
    lines += has(logs.out, "line " + std::string(4 - number.size(), '0') + number + " ") ? 1U : 0U;
  }
  CHECK(lines == 95);
  CHECK_FALSE(has(logs.out, "line 0004 "));
}

TEST_CASE(
    "log upkeep: old files of a listener's access log and of the daemon's own log go and are compressed") {
  Site site;
  const std::string access = (site.directory() / "logs/access.log").string();
  const std::string own = (site.directory() / "logs/d.log").string();
  for (const std::string& log : {access, own}) {
    put_old(log + ".1", 1000, 60);
    put_old(log + ".2", 1000, 100'000);
  }
  const auto configure = [&site](const std::string& limit) {
    site.configure(
        "[daemon.log]\nfile = \"@DIR@/logs/d.log\"\n" + limit +
        "[listen.public]\naddress = \"@LISTEN@\"\naccess_log = \"@DIR@/logs/access.log\"\naccess_" + limit +
        "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"public\"\n");
  };
  configure("max_age = \"1d\"\n");
  DaemonProcess daemon(site);
  for (const std::string& log : {access, own}) {
    CAPTURE(log);
    CHECK(soon([&] { return !fs::exists(log + ".2"); }));
    CHECK(fs::exists(log + ".1"));
  }
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::vector<pid_t> before = daemon.pids("web");
  configure("compress = true\n");
  const CommandResult reloaded = daemon.ctl({"reload"});
  INFO(describe(reloaded));
  CHECK(reloaded.exit_code == 0);
  for (const std::string& log : {access, own}) {
    CAPTURE(log);
    CHECK(soon([&] { return fs::exists(log + ".1.gz") && !fs::exists(log + ".1"); }));
    CHECK(run_command({"gzip", "-t", log + ".1.gz"}).exit_code == 0);
  }
  CHECK(daemon.pids("web") == before);
}
