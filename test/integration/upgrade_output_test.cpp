// What apps and the proxy write while daemons follow each other: every line is in the files once and whole.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <regex>
#include <set>
#include <sstream>
#include <utility>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr int kUpgrades = 5;

// Writes "line 1", "line 2", ... until there is a file "go", then "end N"; one write is a part of a line, or
// several lines.
std::string writer(const std::string& name, const std::string& log, unsigned lines_at_once = 7) {
  return "[app." + name +
         "]\ncommand = [\"@PYTHON@\", \"-c\", \"\"\"\nimport os, time\n"
         "def say(data):\n"
         "  while data: data = data[os.write(1, data):]\n"
         "i = 0\nrest = b''\n"
         "while not os.path.exists('@DIR@/go'):\n"
         "  for _ in range(" +
         std::to_string(lines_at_once) +
         "):\n    i += 1\n    rest += b'line %d\\\\n' % i\n"
         "  half = len(rest) - 4\n  say(rest[:half])\n  rest = rest[half:]\n  time.sleep(0.0002)\n"
         "say(rest + b'end %d\\\\n' % i)\ntime.sleep(600)\n\"\"\"]\nendpoint = \"none\"\ndeploy.settle = "
         "\"10ms\"\n[app." +
         name + ".log]\nstdout = \"@DIR@/" + name + ".log\"\nstderr = \"@DIR@/" + name + ".err\"\n" + log;
}

// All of them, oldest first, however often the file was rotated.
std::string whole_log(const Site& site, const std::string& name) {
  std::string text;
  for (int i = 20; i > 0; --i) text += content_of(site.directory() / (name + ".log." + std::to_string(i)));
  return text + content_of(site.directory() / (name + ".log"));
}

// What the app wrote, of a line in the file.
struct Written {
  std::string text;
  bool cut = false;  // the next one goes on with it: it was unfinished for 2 s, as on a machine that stalls
};

Written plain(const std::string& line) {
  return {line, false};
}

Written prefixed(const std::string& line) {
  for (const std::string mark : {"out| ", "out+ "}) {
    const std::size_t at = line.find(mark);
    if (at != std::string::npos) return {line.substr(at + mark.size()), mark == "out+ "};
  }
  return {line, false};
}

Written json(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return {line, false};
  return {object.value("line", line), object.value("cut", false)};
}

// "line 1" to the last one, each once and in order, then the end.
void check_lines(const Site& site, const std::string& name, Written (*of)(const std::string&)) {
  CAPTURE(name);
  REQUIRE(wait_until([&] { return has(content_of(site.directory() / (name + ".log")), "end "); }, kPatience));
  std::istringstream text(whole_log(site, name));
  std::size_t number = 0;
  std::string last;
  std::string begun;
  for (std::string line; std::getline(text, line);) {
    const Written written = of(line);
    last = std::exchange(begun, "") + written.text;
    if (written.cut) {
      begun = last;
      continue;
    }
    if (last.starts_with("end ")) break;
    ++number;
    if (last != "line " + std::to_string(number)) FAIL("after line " << number - 1 << ": " << line);
  }
  MESSAGE(name << ": " << number << " lines");
  CHECK(last == "end " + std::to_string(number));
  CHECK(number > 1000);
  std::string more;
  CHECK_FALSE(std::getline(text, more));
}

void upgrade_while_they_write(const DaemonProcess& daemon, const Site& site, const std::string& name) {
  const auto file = site.directory() / (name + ".log");
  for (int i = 0; i < kUpgrades; ++i) {
    const std::string before = content_of(file);
    REQUIRE(wait_until([&] { return content_of(file).size() != before.size(); }, kPatience));
    (void)upgrade_well(daemon);
  }
  REQUIRE(wait_alone(daemon));
}

}  // namespace

TEST_CASE("upgrade: of what apps write without a pause no line is lost, doubled or torn") {
  Site site;
  site.configure(writer("plain", "") + writer("prefixed", "format = \"prefixed\"\n") +
                 writer("json", "format = \"json\"\n"));
  DaemonProcess daemon(site);
  for (const char* name : {"plain", "prefixed", "json"}) REQUIRE(daemon.wait_healthy(name, 1));
  const Population before = app_processes(daemon);
  upgrade_while_they_write(daemon, site, "plain");
  CHECK(app_processes(daemon) == before);
  (void)site.files().write("go", "");
  INFO(daemon.log());
  check_lines(site, "plain", plain);
  check_lines(site, "prefixed", prefixed);
  check_lines(site, "json", json);
  // And gvctl finds the last ones.
  CHECK(has(daemon.ctl({"logs", "plain", "-n", "5"}).out, "end "));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: logs that are rotated all the time lose no line either") {
  Site site;
  site.configure(writer("job", "max_size = \"64K\"\nkeep = 1000\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  upgrade_while_they_write(daemon, site, "job");
  (void)site.files().write("go", "");
  REQUIRE(wait_until([&] { return has(daemon.ctl({"logs", "job", "-n", "2"}).out, "end "); }, kPatience));
  // In whichever file.
  std::set<std::size_t> numbers;
  std::size_t lines = 0;
  std::size_t last = 0;
  const std::regex whole("line [0-9]+");
  for (const auto& file : std::filesystem::directory_iterator(site.directory())) {
    if (!file.path().filename().string().starts_with("job.log")) continue;
    std::istringstream text(content_of(file.path()));
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with("end ")) {
        last = std::stoul(line.substr(4));
        continue;
      }
      if (!std::regex_match(line, whole)) FAIL_CHECK(file.path().string() << ": " << line);
      ++lines;
      numbers.insert(std::stoul(line.substr(5)));
    }
  }
  MESSAGE(lines << " lines");
  CHECK(lines == numbers.size());
  CHECK(lines == last);
  CHECK((!numbers.empty() && *numbers.rbegin() == last));
}

TEST_CASE("upgrade: a line that is half written before it is whole after it") {
  Site site;
  site.configure(
      "[app.job]\ncommand = [\"@PYTHON@\", \"-c\", \"\"\"\nimport os, time\n"
      "os.write(1, b'one\\\\nfirst half,')\nos.write(2, b'err half,')\n"
      "while not os.path.exists('@DIR@/go'): time.sleep(0.005)\n"
      "os.write(1, b' second half\\\\nthree\\\\n')\nos.write(2, b' whole\\\\n')\ntime.sleep(600)\n\"\"\"]\n"
      "endpoint = \"none\"\ndeploy.settle = \"10ms\"\n[app.job.log]\nstdout = \"@DIR@/job.log\"\n"
      "stderr = \"@DIR@/job.err\"\n");
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return has(content_of(site.directory() / "job.log"), "one\n"); }));
  // At first the halves wait for the rest of their lines, then they are written as they are.
  for (int i = 0; i < 4; ++i) {
    (void)upgrade_well(daemon);
    REQUIRE(wait_alone(daemon));
    if (i == 1) {
      REQUIRE(wait_until([&] { return content_of(site.directory() / "job.log") == "one\nfirst half,"; }));
      REQUIRE(wait_until([&] { return content_of(site.directory() / "job.err") == "err half,"; }));
    }
  }
  (void)site.files().write("go", "");
  REQUIRE(wait_until([&] { return has(content_of(site.directory() / "job.log"), "three\n"); }));
  CHECK(content_of(site.directory() / "job.log") == "one\nfirst half, second half\nthree\n");
  CHECK(wait_until([&] { return content_of(site.directory() / "job.err") == "err half, whole\n"; }));
}

TEST_CASE("upgrade: an app that fills its pipe while a successor hangs waits for no one") {
  Site site;
  // So much that a pipe is soon full, on a busy machine as well.
  site.configure(writer("job", "", 500));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  const auto upgrading =
      daemon.ctl_beside({"--json", "upgrade", "--wait", "--to", stand_in(site, "deaf").string()});
  const pid_t deaf = wait_started(*upgrading);
  REQUIRE(deaf > 0);
  const auto file = site.directory() / "job.log";
  const auto size = std::filesystem::file_size(file);
  // More than any pipe holds.
  CHECK(wait_until([&] { return std::filesystem::file_size(file) > size + (2U << 20); }, kPatience));
  REQUIRE(::kill(deaf, SIGKILL) == 0);
  const Upgraded failed = read_upgrade(upgrading->wait(kPatience));
  INFO(describe(failed) << daemon.log());
  CHECK(failed.result.exit_code == 1);
  (void)upgrade_well(daemon);
  (void)site.files().write("go", "");
  check_lines(site, "job", plain);
}

TEST_CASE("upgrade: the access log has one line for each request") {
  Site site;
  site.configure(named_app("web", "@LISTEN@",
                           "[app.web.log]\naccess = \"@DIR@/access.log\"\naccess_format = \"json\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  constexpr int kClients = 4;
  LoadGenerator load(site.listener(), Request{}, kClients);
  for (int i = 0; i < kUpgrades; ++i) {
    const std::uint64_t served = load.so_far().ok;
    REQUIRE(wait_until([&] { return load.so_far().ok >= served + 100; }, kPatience));
    (void)upgrade_well(daemon);
  }
  const LoadResult result = load.stop();
  REQUIRE(wait_alone(daemon));
  INFO(describe(result) << daemon.log());
  CHECK(result.failed() == 0);
  const auto lines = [&] { return count(content_of(site.directory() / "access.log"), "\n"); };
  CHECK(wait_until([&] { return lines() == result.ok; }));
  CHECK(lines() == result.ok);
  std::istringstream text(content_of(site.directory() / "access.log"));
  std::size_t torn = 0;
  for (std::string line; std::getline(text, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || object.value("status", 0) != 200) ++torn;
  }
  CHECK(torn == 0);
}
