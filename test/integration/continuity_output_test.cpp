// What apps write across the death of a daemon. Lines that wait in a pipe are the next daemon's. Lost is at
// most what the dead one had read and not written yet: what came last before its death, in one piece.
#include <doctest/doctest.h>

#include <charconv>
#include <csignal>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// A program of python3 that runs `script` with the function say(text), which writes at once.
std::string writer(const std::string& name, const std::string& script, const std::string& more = "") {
  return "[app." + name +
         "]\ncommand = [\"@PYTHON@\", \"-c\", \"\"\"\nimport os, time\n"
         "def say(text, to=1):\n"
         "  data = text.encode()\n"
         "  while data: data = data[os.write(to, data):]\n"
         "def await_file(name):\n"
         "  while not os.path.exists('@DIR@/' + name): time.sleep(0.005)\n" +
         script + "\"\"\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n" + more + "[app." + name +
         ".log]\nstdout = \"@DIR@/" + name + ".log\"\nstderr = \"@DIR@/" + name + ".err\"\n";
}

std::vector<std::string> lines_of(const Site& site, const std::string& file) {
  std::istringstream text(content_of(site.directory() / file));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

bool wait_line(const Site& site, const std::string& file, const std::string& line) {
  return wait_until(
      [&] {
        const auto lines = lines_of(site, file);
        return !lines.empty() && lines.back() == line;
      },
      std::chrono::seconds(30));
}

// Kills the daemon and keeps the keeper from starting another one.
class NoDaemon {
 public:
  explicit NoDaemon(const DaemonProcess& daemon)
      : daemon_(daemon), former_(daemon.pid()), keeper_(daemon.keeper()) {
    daemon.kill_daemon();
    REQUIRE(wait_until([this] { return !alive(former_); }));
  }
  void end() {
    keeper_.go_on();
    REQUIRE(next_daemon(daemon_, former_) > 0);
  }

 private:
  const DaemonProcess& daemon_;
  pid_t former_;
  StoppedProcess keeper_;
};

// "line 1" to "line N", each once.
void check_all(const std::vector<std::string>& lines, std::size_t count) {
  REQUIRE(lines.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    if (lines[i] != "line " + std::to_string(i + 1)) FAIL("after " << i << " lines: " << lines[i]);
  }
}

// Of a whole "line 17".
std::optional<std::size_t> number_of(std::string_view line) {
  constexpr std::string_view kBefore = "line ";
  if (!line.starts_with(kBefore)) return std::nullopt;
  line.remove_prefix(kBefore.size());
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (failed != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return number;
}

}  // namespace

TEST_CASE("continuity: what is written while no daemon lives is in the file, whole and once") {
  Site site;
  // More than a pipe holds: the writer waits for the next daemon.
  site.configure(
      writer("few",
             "say('line 1\\\\n')\nawait_file('go')\n"
             "for i in range(2, 101): say('line %d\\\\n' % i)\nsay('err\\\\n', 2)\n"
             "open('@DIR@/few.done', 'w').close()\ntime.sleep(600)\n") +
      writer("many",
             "say('line 1\\\\n')\nawait_file('go')\n"
             "for i in range(2, 300001): say('line %d\\\\n' % i)\nsay('err\\\\n', 2)\ntime.sleep(600)\n"));
  DaemonProcess daemon(site);
  for (const char* file : {"few.log", "many.log"}) REQUIRE(wait_line(site, file, "line 1"));
  const Population before = population(daemon);
  NoDaemon none(daemon);
  (void)site.files().write("go", "");
  // It can end while no one reads: the pipe has room for all of it.
  REQUIRE(wait_until([&] { return std::filesystem::exists(site.directory() / "few.done"); }));
  none.end();
  REQUIRE(wait_line(site, "few.log", "line 100"));
  check_all(lines_of(site, "few.log"), 100);
  REQUIRE(wait_line(site, "few.err", "err"));
  REQUIRE(wait_line(site, "many.log", "line 300000"));
  check_all(lines_of(site, "many.log"), 300000);
  REQUIRE(wait_line(site, "many.err", "err"));
  CHECK(lines_of(site, "many.err").size() == 1);
  CHECK(population(daemon) == before);
}

TEST_CASE("continuity: the last words of an instance that ended while no daemon lived are kept and told") {
  Site site;
  site.configure(
      writer("job",
             "await_file('go')\nsay('line 1\\\\nline 2\\\\n')\nsay('no newline')\nsay('why\\\\n', 2)\n"
             "os._exit(3)\n",
             "restart = { backoff = \"10m\", backoff_max = \"10m\" }\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  const pid_t job = daemon.pids("job").at(0);
  NoDaemon none(daemon);
  (void)site.files().write("go", "");
  REQUIRE(wait_until([&] { return !alive(job); }));
  none.end();
  REQUIRE(wait_until([&] { return daemon.app("job")->instances.at(0).state == "backoff"; }));
  CHECK(daemon.app("job")->instances.at(0).last_exit == "exit 3");
  const std::string last = daemon.app("job")->instances.at(0).last_line;
  CHECK((last == "no newline" || last == "why"));
  REQUIRE(wait_line(site, "job.log", "no newline"));
  CHECK(lines_of(site, "job.log") == std::vector<std::string>{"line 1", "line 2", "no newline"});
  CHECK(lines_of(site, "job.err") == std::vector<std::string>{"why"});
  const CommandResult logs = daemon.ctl({"logs", "job"});
  INFO(describe(logs));
  for (const char* line : {"line 1", "line 2", "no newline", "why"}) CHECK(count(logs.out, line) == 1);
}

TEST_CASE(
    "continuity: of a line that was half written when the daemon was killed at most that half is lost") {
  Site site;
  site.configure(writer("job",
                        "say('line 1\\\\nfirst half,')\nawait_file('go')\n"
                        "say(' second half\\\\nline 3\\\\n')\ntime.sleep(600)\n"));
  DaemonProcess daemon(site);
  REQUIRE(wait_line(site, "job.log", "line 1"));
  (void)replace_daemon(daemon);
  (void)site.files().write("go", "");
  REQUIRE(wait_line(site, "job.log", "line 3"));
  const auto lines = lines_of(site, "job.log");
  REQUIRE(lines.size() >= 3);
  CHECK(lines.front() == "line 1");
  CHECK(lines.at(lines.size() - 2).ends_with(" second half"));
  CHECK(count(content_of(site.directory() / "job.log"), "first half,") <= 1);
  CHECK(count(content_of(site.directory() / "job.log"), "second half") == 1);
}

TEST_CASE(
    "continuity: of an app that writes all the time a kill loses one piece at most, and doubles nothing") {
  Site site;
  site.configure(writer("job",
                        "i = 0\nwhile not os.path.exists('@DIR@/go'):\n  i += 1\n  say('line %d\\\\n' % i)\n"
                        "say('end %d\\\\n' % i)\ntime.sleep(600)\n"));
  DaemonProcess daemon(site);
  constexpr std::size_t kKills = 4;
  // What a daemon has read goes to the file with the turn of its loop.
  constexpr std::size_t kMostBytes = 1U << 20;
  for (std::size_t i = 0; i < kKills; ++i) {
    const auto written = size_of(site.directory() / "job.log");
    REQUIRE(wait_until([&] { return size_of(site.directory() / "job.log") > written + 100000; }));
    (void)replace_daemon(daemon);
  }
  (void)site.files().write("go", "");
  REQUIRE(wait_until([&] { return count(content_of(site.directory() / "job.log"), "end ") == 1; }));
  const auto lines = lines_of(site, "job.log");
  std::size_t last = 0;
  std::size_t gaps = 0;
  std::size_t lost = 0;
  std::size_t fragments = 0;
  for (const std::string& line : lines) {
    if (line == "end " + std::to_string(last)) break;
    // At such a gap a line may have lost its beginning or its end.
    const std::string next = "line " + std::to_string(last + 1);
    const bool cut = line != next && next.starts_with(line);
    const auto number = number_of(line);
    if (cut || !number) {
      ++fragments;
      continue;
    }
    if (*number <= last) FAIL_CHECK(line << " after " << last);
    if (*number != last + 1) {
      ++gaps;
      lost += (*number - last - 1) * (line.size() + 1);
    }
    last = *number;
  }
  CHECK(lines.back() == "end " + std::to_string(last));
  MESSAGE(lost << " bytes lost in " << gaps << " pieces");
  CHECK(gaps <= kKills);
  CHECK(fragments <= kKills);
  CHECK(lost <= kKills * kMostBytes);
}
