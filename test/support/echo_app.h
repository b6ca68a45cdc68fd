// Apps for tests of logs: each writes every line that the test appends to a file of its own. Thread: the
// test's.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/count.h"
#include "support/daemon_process.h"
#include "support/site.h"
#include "support/wait.h"

namespace gracevisor::test {

// The configuration of an app that says "begins" and then every line of NAME.in, those with "!" in front on
// standard error. `log`: lines of its log table; `more`: of its own.
inline std::string echo(const std::string& name, const std::string& log = "", const std::string& more = "") {
  return fmt::format(R"([app.{0}]
command = ["@PYTHON@", "-u", "-c", """
import os, sys, time
f = open('@DIR@/{0}.in')
print('begins')
while True:
    line = f.readline()
    if not line: time.sleep(0.005)
    elif line[0] == '!': sys.stderr.write(line[1:]); sys.stderr.flush()
    else: sys.stdout.write(line); sys.stdout.flush()
"""]
endpoint = "none"
{2}
[app.{0}.log]
{1}
)",
                     name, log, more);
}

// Their site, and what they are told to say.
struct EchoSite {
  Site site;

  explicit EchoSite(const std::vector<std::string>& names) {
    for (const std::string& name : names) say(name, "");
  }
  // A process that starts later begins with what was said before.
  void say(const std::string& name, const std::string& lines) const {
    std::ofstream(site.directory() / (name + ".in"), std::ios::app) << lines;
  }
  void forget(const std::string& name) const { std::ofstream(site.directory() / (name + ".in")); }
  [[nodiscard]] std::filesystem::path log(const std::string& name) const {
    return site.directory() / "state/log" / (name + ".log");
  }
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Waits until `gvctl logs` of the app has the line.
inline bool shows(const DaemonProcess& daemon, const std::string& app, const std::string& line) {
  return wait_until([&] { return has(daemon.ctl({"logs", app}).out, line); }, std::chrono::seconds(20));
}

// "line 00007 ....", 92 bytes each.
inline std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += fmt::format("line {:05} {}\n", i, std::string(80, '.'));
  return text;
}

}  // namespace gracevisor::test
