// What apps write, on its way to files and to standard error: nothing is lost while anything can be written.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/unique_fd.h"
#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/stopped_thread.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::seconds;

namespace {

constexpr int kLines = 40000;
constexpr std::size_t kLineSize = 93;  // 3.7 MB in all

std::string expected_line(int number) {
  return fmt::format("{:07} {}\n", number, std::string(kLineSize - 9, 'x'));
}

std::string expected_output() {
  std::string text;
  for (int i = 0; i < kLines; ++i) text += expected_line(i);
  return text;
}

// Apps that write that much at once when the file "go" is there, `times` times, and crash.
std::string floods(int count, const std::string& log = "", int times = 1) {
  std::string apps;
  for (int i = 0; i < count; ++i) {
    apps += fmt::format(R"([app.flood{}]
command = ["@PYTHON@", "-c", """
import os, sys, time
while not os.path.exists('@DIR@/go'): time.sleep(0.01)
text = ''.join('%07d %s\\n' % (i, 'x' * {}) for i in range({}))
for i in range({}): sys.stdout.write(text)
sys.stdout.flush()
os._exit(3)
"""]
endpoint = "none"
restart.policy = "never"
[app.flood{}.log]
{}
)",
                        i, kLineSize - 9, kLines, times, i, log);
  }
  return apps;
}

std::filesystem::path log_of(const Site& site, int app) {
  return site.directory() / fmt::format("state/log/flood{}.log", app);
}

void check_whole(const Site& site, int apps) {
  const std::string expected = expected_output();
  for (int i = 0; i < apps; ++i) {
    CAPTURE(i);
    CHECK(wait_until([&] { return content_of(log_of(site, i)).size() >= expected.size(); }, seconds(60)));
    // No comparison that prints megabytes.
    bool same = content_of(log_of(site, i)) == expected;
    CHECK(same);
  }
}

// The daemon on `site`, whose standard error goes to `target`, as the shell names it.
std::filesystem::path with_stderr(const Site& site, const std::filesystem::path& target) {
  auto script = site.files().write(
      "daemon.sh", fmt::format("#!/bin/sh\nexec {} \"$@\" 2>>{}\n", GV_DAEMON, target.string()));
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return script;
}

struct Told {
  int lines = 0;
  int dropped = 0;
};

// The lines of a flood in a file, which must be in order, and those that it says are missing.
Told told_in(const std::string& text) {
  Told told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string_view mark = "[gracevisor: ";
    if (line.starts_with(mark)) {
      told.dropped += std::stoi(line.substr(mark.size()));
    } else if (line.size() == kLineSize - 1) {
      ++told.lines;
    }
  }
  return told;
}

}  // namespace

TEST_CASE("output: 40000 lines at once of an app that crashes are all in its file") {
  Site site;
  site.configure(floods(1));
  DaemonProcess daemon(site);
  (void)site.files().write("go", "");
  check_whole(site, 1);
}

TEST_CASE("output: 40000 lines at once of each of ten apps that crash are all in their files") {
  Site site;
  site.configure(floods(10));
  DaemonProcess daemon(site);
  (void)site.files().write("go", "");
  check_whole(site, 10);
}

TEST_CASE("output: a writer that sleeps for a second holds ten apps back and loses nothing") {
  Site site;
  site.configure(floods(10));
  DaemonProcess daemon(site);
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  (void)site.files().write("go", "");
  std::this_thread::sleep_for(seconds(1));  // what is tested
  writer.go_on();
  check_whole(site, 10);
}

TEST_CASE("output: lines that a stuck writer costs are counted and the apps go on") {
  Site site;
  site.configure(floods(1, "", 10));
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return daemon.children() > 0; }));
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  (void)site.files().write("go", "");
  // The app is not held for longer than a moment, and commands are answered meanwhile.
  CHECK(wait_until([&] { return daemon.children() == 0; }, seconds(60)));
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  writer.go_on();
  Told told;
  CHECK(wait_until(
      [&] {
        told = told_in(content_of(log_of(site, 0)));
        return told.lines + told.dropped >= 10 * kLines;
      },
      seconds(60)));
  CHECK(told.lines + told.dropped == 10 * kLines);
  CHECK(told.dropped > 0);
  CHECK(told.lines > 0);
}

TEST_CASE("output: an app whose log blocks waits for a stuck writer and loses nothing") {
  Site site;
  site.configure(floods(1, "on_full = \"block\"\n", 10));
  DaemonProcess daemon(site);
  StoppedThread writer(daemon.pid(), "gv-writer");
  if (!writer.stopped()) return skip("no thread can be stopped here");
  (void)site.files().write("go", "");
  std::this_thread::sleep_for(seconds(4));  // longer than an app that drops is held
  CHECK(daemon.children() == 1);
  writer.go_on();
  Told told;
  CHECK(wait_until(
      [&] {
        told = told_in(content_of(log_of(site, 0)));
        return told.lines >= 10 * kLines;
      },
      seconds(60)));
  CHECK(told.lines == 10 * kLines);
  CHECK(told.dropped == 0);
}

TEST_CASE("output: a line of any length is in the file as it was and a view says where it is cut") {
  Site site;
  site.configure(R"([app.long]
command = ["@PYTHON@", "-c", """
import sys, time
w = sys.stdout.buffer
w.write(b'A' * 200000 + b'\\n' + b'B' * 3000000 + b'\\n')
w.write(bytes(range(256)) + b'progress: ')
w.flush()
time.sleep(3)
w.write(b'done\\nno newline')
w.flush()
time.sleep(1000)
"""]
endpoint = "none"
)");
  std::string expected = std::string(200000, 'A') + "\n" + std::string(3000000, 'B') + "\n";
  for (int byte = 0; byte < 256; ++byte) expected += static_cast<char>(byte);
  expected += "progress: done\nno newline";
  DaemonProcess daemon(site);
  auto file = site.directory() / "state/log/long.log";
  CHECK(wait_until([&] { return content_of(file).size() >= expected.size(); }, seconds(30)));
  bool same = content_of(file) == expected;
  CHECK(same);
  CHECK(daemon.ctl({"logs", "-n", "100", "long"}).out.find("B [cut here, whole in the log file]\n") !=
        std::string::npos);
}

TEST_CASE("output: long lines of two instances do not mix in their file") {
  Site site;
  site.configure(R"([app.pair]
command = ["@PYTHON@", "-c", """
import os, sys, time
while not os.path.exists('@DIR@/go'): time.sleep(0.01)
for i in range(50): sys.stdout.write(os.environ['GV_INSTANCE'][-1] * 200000 + '\\n')
sys.stdout.flush()
time.sleep(1000)
"""]
endpoint = "none"
instances = 2
)");
  DaemonProcess daemon(site);
  (void)site.files().write("go", "");
  auto file = site.directory() / "state/log/pair.log";
  CHECK(wait_until([&] { return content_of(file).size() >= 100 * 200001; }, seconds(30)));
  std::istringstream lines(content_of(file));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    bool whole = line.size() == 200000 && line.find_first_not_of(line.front()) == std::string::npos;
    CHECK(whole);
  }
  CHECK(count == 100);
}

TEST_CASE("daemon log: a reader of standard error that stops keeps nobody waiting") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n"
      "[app.web.log]\nstdout = \"inherit\"\n");
  auto pipe = site.directory() / "stderr.pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  base::UniqueFd unread(::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(unread);
  std::string page(4096, '.');
  while (::write(unread.get(), page.data(), page.size()) > 0) {
  }
  DaemonProcess daemon(site, {}, with_stderr(site, pipe));
  REQUIRE(daemon.wait_healthy("web", 1, seconds(30)));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  CommandResult end = daemon.terminate(seconds(40));
  CHECK(end.exit_code == 0);
  CHECK_FALSE(end.timed_out);
}

TEST_CASE("daemon log: it goes on in a new file after SIGUSR1 and rotates as others do") {
  Site site;
  site.configure_whole(site.daemon_table() +
                       "log = { file = \"@DIR@/logs/d.log\", max_size = \"1KiB\", keep = 50 }\n"
                       "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\ndeploy.guard = \"0s\"\n");
  DaemonProcess daemon(site);
  auto file = site.directory() / "logs/d.log";
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(wait_until([&] { return content_of(file).find("ready version=") != std::string::npos; }));
  auto moved = site.directory() / "moved.log";
  std::filesystem::rename(file, moved);
  daemon.signal(SIGUSR1);
  CHECK(wait_until([&] { return std::filesystem::exists(file); }));
  std::string before = content_of(moved);
  for (int i = 0; i < 5; ++i) {
    CHECK(daemon.ctl({"restart", "web"}).exit_code == 0);
  }
  CHECK(content_of(moved) == before);
  CHECK(wait_until([&] { return std::filesystem::exists(file.string() + ".1"); }));
  CHECK(daemon.terminate().exit_code == 0);
  CHECK(content_of(file).find("shutdown stage=over") != std::string::npos);
}

TEST_CASE("daemon log: what keeps the daemon from starting is said before it ends") {
  Site site;
  site.configure_whole(site.daemon_table() + "log = { file = \"/proc/no/such.log\" }\n");
  DaemonProcess daemon(site);
  CHECK_FALSE(daemon.running());
  CommandResult end = daemon.wait_end();
  CHECK(end.exit_code == 1);
  CHECK(end.err.find("cannot open the log file /proc/no/such.log") != std::string::npos);
}
