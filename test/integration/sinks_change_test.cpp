// What happens to lines on their way to syslog when the configuration, the daemon or its version changes,
// through the real daemon; the test listens at the sockets.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/log_socket.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

template <class Condition>
bool soon(Condition condition) {
  return wait_until(condition, std::chrono::seconds(30));
}

// Says "line 0", "line 1" and so on until there is a file "stop", then "end N".
std::string counter(const std::string& log) {
  return "[app.web]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\ncommand = [\"@PYTHON@\", \"-c\", '''\n"
         "import os, time\nn = 0\n"
         "while not os.path.exists(r'@DIR@/stop'):\n"
         "    print('line', n, flush=True)\n    n += 1\n    time.sleep(0.005)\n"
         "print('end', n, flush=True)\ntime.sleep(1000)\n''']\n[app.web.log]\n" +
         log + "\n";
}

struct Lines {
  std::vector<long> numbers;
  long end = -1;

  void add(const std::string& message) {
    if (const std::size_t at = message.find(": line "); at != std::string::npos)
      numbers.push_back(std::stol(message.substr(at + 7)));
    if (const std::size_t at = message.find(": end "); at != std::string::npos)
      end = std::stol(message.substr(at + 6));
  }
};

Lines lines_of(const std::vector<std::string>& messages) {
  Lines lines;
  for (const std::string& message : messages) lines.add(message);
  return lines;
}

// Takes until so many more have come.
bool more_come(LogSocket& socket, std::size_t more = 20) {
  const std::size_t had = socket.take().size();
  return soon([&] { return socket.take().size() >= had + more; });
}

// What is not taken for 2 s is lost with the daemon that ends.
void while_it_takes(LogSocket& socket, const std::function<void()>& act) {
  const std::jthread taker([&socket](const std::stop_token& stop) {
    (void)soon([&] {
      (void)socket.take();
      return stop.stop_requested();
    });
  });
  act();
}

bool all_come(LogSocket& socket) {
  std::size_t seen = 0;
  return soon([&] {
    const std::vector<std::string>& all = socket.take();
    while (seen < all.size() && !has(all[seen], ": end ")) ++seen;
    return seen < all.size();
  });
}

bool complete(const Lines& lines) {
  for (std::size_t i = 0; i < lines.numbers.size(); ++i) {
    if (lines.numbers[i] == static_cast<long>(i)) continue;
    MESSAGE("line " << i << " is " << lines.numbers[i] << ", of " << lines.numbers.size());
    return false;
  }
  return lines.end == static_cast<long>(lines.numbers.size());
}

}  // namespace

TEST_CASE("sinks: a reload sends what comes next elsewhere, with the app left alone and no line lost") {
  Site site;
  LogSocket first(site.directory() / "first.sock", LogSocket::Kind::stream);
  LogSocket second(site.directory() / "second.sock");
  site.configure(counter("stdout = \"syslog:@DIR@/first.sock\""));
  DaemonProcess daemon(site);
  REQUIRE(more_come(first));
  const std::vector<pid_t> before = daemon.pids("web");
  site.configure(counter("stdout = \"syslog:@DIR@/second.sock\""));
  const CommandResult reloaded = daemon.ctl({"reload"});
  INFO(describe(reloaded));
  CHECK(reloaded.exit_code == 0);
  REQUIRE(more_come(second));
  // What nothing goes to any more is closed, beside what the check of the configuration opened.
  CHECK(soon([&] {
    (void)first.take();
    (void)second.take();
    return first.closed() >= 2;
  }));
  INFO(daemon.log());
  // Into a file, and back.
  site.configure(counter("stdout = \"@DIR@/web.log\""));
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  REQUIRE(soon([&] { return has(content_of(site.directory() / "web.log"), "line "); }));
  site.configure(counter("stdout = \"syslog:@DIR@/second.sock\""));
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  REQUIRE(more_come(second));
  (void)site.files().write("stop", "");
  REQUIRE(all_come(second));
  CHECK(daemon.pids("web") == before);
  const Lines early = lines_of(first.messages());
  Lines all = lines_of(second.messages());
  CHECK(std::ranges::is_sorted(early.numbers));
  CHECK(std::ranges::is_sorted(all.numbers));
  all.numbers.insert(all.numbers.end(), early.numbers.begin(), early.numbers.end());
  std::istringstream file(content_of(site.directory() / "web.log"));
  std::size_t in_file = 0;
  for (std::string line; std::getline(file, line); ++in_file) all.add(": " + line);
  CHECK(in_file > 0);
  std::ranges::sort(all.numbers);
  CHECK(complete(all));
  CHECK_FALSE(has(daemon.log(), "log.dropped"));
}

TEST_CASE("sinks: what was never taken is no problem any more once no app goes there") {
  Site site;
  site.configure(counter("stdout = \"syslog:@DIR@/absent.sock\""));
  DaemonProcess daemon(site);
  const auto told = [&] { return has(daemon.ctl({"status"}).out, "log syslog:"); };
  REQUIRE(soon(told));
  site.configure(counter("stdout = \"@DIR@/web.log\""));
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(soon([&] { return !told(); }));
  CHECK(soon([&] { return has(daemon.log(), "log.dropped lines="); }));
}

TEST_CASE("sinks: a killed daemon costs what was on its way, and nothing comes twice") {
  Site site;
  LogSocket socket(site.directory() / "log.sock");
  site.configure(counter("stdout = \"syslog:@DIR@/log.sock\""));
  DaemonProcess daemon(site);
  REQUIRE(more_come(socket));
  const std::vector<pid_t> before = daemon.pids("web");
  for (int i = 0; i < 3; ++i) {
    daemon.kill_daemon();
    REQUIRE(more_come(socket));
  }
  (void)site.files().write("stop", "");
  REQUIRE(all_come(socket));
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.pids("web") == before);
  const Lines lines = lines_of(socket.messages());
  std::size_t gaps = lines.numbers[0] == 0 ? 0U : 1U;
  for (std::size_t i = 1; i < lines.numbers.size(); ++i) {
    CHECK(lines.numbers[i] > lines.numbers[i - 1]);
    gaps += lines.numbers[i] == lines.numbers[i - 1] + 1 ? 0U : 1U;
  }
  CHECK(gaps <= 3);
}

TEST_CASE("sinks: over upgrades no line is lost or doubled") {
  Site site;
  const auto path = site.directory() / "log.sock";
  site.configure(counter("stdout = \"syslog:@DIR@/log.sock\""));
  DaemonProcess daemon(site);
  LogSocket socket(path);
  REQUIRE(more_come(socket));
  const std::vector<pid_t> before = daemon.pids("web");
  for (int i = 0; i < 3; ++i) {
    while_it_takes(socket, [&] { (void)upgrade_well(daemon); });
    REQUIRE(more_come(socket));
  }
  while_it_takes(socket, [&] { REQUIRE(wait_alone(daemon)); });
  (void)site.files().write("stop", "");
  REQUIRE(all_come(socket));
  CHECK(daemon.pids("web") == before);
  Lines lines = lines_of(socket.take());
  // What two daemons send at once comes in no certain order.
  std::ranges::sort(lines.numbers);
  CHECK(complete(lines));
  CHECK_FALSE(has(daemon.log(), "log.dropped"));
}
