// More than twenty ways to break an app. Each, met at its first start as well as by a deploy over a
// generation that serves, is told with its cause: to the one who waits, in the daemon's log, and in status.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/one_line.h"
#include "support/daemon_process.h"
#include "support/held_port.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr int kPreflight = 9;
constexpr int kExited = 10;
constexpr int kTimeout = 11;

struct Break {
  std::string name;
  std::string keys;               // of the app's table
  int exit;                       // of gvctl
  std::vector<std::string> says;  // with @BUSY@ and @FIXED@ as ports, and @DIR@
  bool needs_root = false;
};

std::string app_of(const std::string& kind, const std::string& argument = "") {
  return R"(command = ["@PYTHON@", "@SUPPORT@/breaking_app.py", ")" + kind + "\"" +
         (argument.empty() ? "" : ", \"" + argument + "\"") + "]\n";
}

const std::vector<Break>& breaks() {
  static const std::vector<Break> kBreaks = {
      {"fixed",
       app_of("fixed", "@FIXED@"),
       kTimeout,
       {"refused", "nothing listens on 127.0.0.1:", "listens on 127.0.0.1:@FIXED@"}},
      {"elsewhere",
       app_of("elsewhere"),
       kTimeout,
       {"nothing listens on 127.0.0.1:", "the process listens on 127.0.0.2:"}},
      {"redirect",
       app_of("redirect"),
       kTimeout,
       {"(Host: redirect.test) -> 301 to https://redirect.test/health", "set health.proto = \"https\""}},
      {"host", app_of("host"), kTimeout, {"-> 400 \"bad host host.test\"", "set health.host"}},
      {"missing-page", app_of("missing-page"), kTimeout, {"-> 404 \"no such page\"", "set health.path"}},
      {"error", app_of("error"), kTimeout, {"-> 500 \"the database is gone\"", "an error of the app's own"}},
      {"environment",
       app_of("environment"),
       kExited,
       {"KeyError: 'DATABASE_URL_OF_TEST', breaking_app.py line "}},
      {"module",
       app_of("module"),
       kExited,
       {"ModuleNotFoundError: No module named 'module_that_is_not_there'"}},
      {"interpreter",
       "command = \"@DIR@/interpreter.sh\"\n",
       kExited,
       {"did not start", "@DIR@/interpreter.sh: its interpreter /usr/bin/nopython does not exist"}},
      {"no-line",
       "command = \"@DIR@/no-line.sh\"\n",
       kExited,
       {"did not start", "@DIR@/no-line.sh has no #! line"}},
      {"not-executable",
       "command = \"@DIR@/not-executable.sh\"\n",
       kPreflight,
       {"gracevisor.toml:", "not-executable.command", "@DIR@/not-executable.sh is not executable",
        "chmod +x"}},
      {"folder",
       "command = \"@DIR@/good.sh\"\nuser = \"nobody\"\ndirectory = \"/\"\n",
       kExited,
       {"did not start", "nobody cannot enter @DIR@"},
       true},
      {"entering",
       "command = \"/bin/sleep 60\"\nuser = \"nobody\"\ndirectory = \"@DIR@\"\n",
       kExited,
       {"cannot enter the directory", "nobody cannot enter @DIR@"},
       true},
      {"directory",
       app_of("ok") + "directory = \"@DIR@/flaks\"\n",
       kPreflight,
       {"gracevisor.toml:", "app.directory.directory", "@DIR@/flaks: No such file or directory"}},
      {"user",
       app_of("ok") + "user = \"nobody-of-that-name\"\n",
       kPreflight,
       {"gracevisor.toml:", "app.user.user", "no user \"nobody-of-that-name\""}},
      {"background",
       "command = [\"/bin/sh\", \"-c\", \"sleep 60 & exit 0\"]\n",
       kExited,
       {"exit 0 with 1 process left: the command must stay in the foreground (gunicorn: no --daemon"}},
      {"busy", app_of("busy", "@BUSY@"), kExited, {"Address already in use", "port @BUSY@ is held by pid "}},
      {"fd",
       app_of("never") + "endpoint = \"fd\"\n",
       kTimeout,
       {"connected, but nobody accepted: does the app take LISTEN_FDS?"}},
      {"socket",
       app_of("fixed", "@OTHER@") + "endpoint = \"socket\"\n",
       kTimeout,
       {"nothing listens on @DIR@/", "the process listens on 127.0.0.1:@OTHER@"}},
      {"never", app_of("never"), kTimeout, {"refused", "nothing listens on 127.0.0.1:"}},
      {"mute",
       app_of("mute") + "health = { path = \"/health\", start_timeout = \"500ms\" }\n",
       kTimeout,
       {"timed out (connected, no answer)"}},
      {"exit-0", "command = [\"/bin/sh\", \"-c\", \"echo bye\"]\n", kExited, {"exit 0: bye"}},
      {"killed", app_of("killed"), kExited, {"signal 9 (KILL)"}},
      {"syntax",
       "command = [\"@PYTHON@\", \"@DIR@/syntax.py\"]\n",
       kExited,
       {"SyntaxError: ", "syntax.py line 2"}},
      {"slow",
       "command = [\"/bin/sh\", \"-c\", \"echo loading; exec sleep 60\"]\n",
       kTimeout,
       {"loading", "was not healthy after", "nothing listens on 127.0.0.1:"}},
      {"environment-file",
       app_of("ok") + "environment_file = \"gone.env\"\n",
       kPreflight,
       {"gracevisor.toml:", "app.environment-file.environment_file", "gone.env: No such file or directory"}},
  };
  return kBreaks;
}

// All of these apps in one daemon, behind one listener.
class BrokenSite {
 public:
  BrokenSite() {
    const auto write = [this](const char* name, const char* text, unsigned mode) {
      (void)site.files().write(name, text, mode);
    };
    write("interpreter.sh", "#!/usr/bin/nopython\n", 0755);
    write("no-line.sh", "echo hello\n", 0755);
    write("not-executable.sh", "#!/bin/sh\n", 0644);
    write("good.sh", "#!/bin/sh\nsleep 60\n", 0755);
    write("syntax.py", "import os\ndef (:\n", 0644);
    busy_.listen();
    for (const Break& broken : breaks()) {
      if (!broken.needs_root || ::geteuid() == 0) met.push_back(&broken);
    }
  }

  enum class As { broken, working };
  void configure(As how) const {
    // All at once, so that those that hang have their time.
    std::string text = "max_starts = 100\n[listen.public]\naddress = \"@LISTEN@\"\n";
    for (const Break* broken : met) {
      const std::string& keys = how == As::broken ? broken->keys : app_of("ok");
      text += fmt::format("[app.{0}]\n{1}listen = \"public\"\nroute = \"{0}.test\"\n", broken->name, keys);
      if (keys.find("health = ") == std::string::npos) text += "health = \"/health\"\n";
      text += fmt::format(
          "[app.{0}.deploy]\ntimeout = \"{1}\"\nguard = \"0s\"\n[app.{0}.restart]\nbackoff = \"30s\"\n"
          "[app.{0}.stop]\ntimeout = \"200ms\"\n",
          broken->name, broken->exit == kTimeout ? "15s" : "60s");
    }
    site.configure(filled(text));
  }
  [[nodiscard]] std::string filled(std::string text) const {
    const std::pair<std::string, std::string> values[] = {{"@BUSY@", port_of(busy_.address())},
                                                          {"@FIXED@", port_of(site.listener(3))},
                                                          {"@OTHER@", port_of(site.listener(4))}};
    for (const auto& [name, value] : values) {
      for (std::size_t at = 0; (at = text.find(name)) != std::string::npos;)
        text.replace(at, name.size(), value);
    }
    return text;
  }
  // What of `broken` is not told in `text`; empty: all is told.
  [[nodiscard]] std::string untold(const Break& broken, const std::string& text) const {
    for (const std::string& words : broken.says) {
      const std::string wanted = site.expand(filled(words));
      if (text.find(wanted) == std::string::npos) return wanted;
    }
    return {};
  }
  // What status says of it at least: the last of these words.
  [[nodiscard]] std::string in_status(const Break& broken) const {
    return site.expand(filled(broken.says.back()));
  }
  // Runs `gvctl VERB NAME` for all of them at once.
  [[nodiscard]] std::vector<CommandResult> run(const DaemonProcess& daemon, const std::string& verb) const {
    std::vector<std::unique_ptr<Command>> commands;
    commands.reserve(met.size());
    for (const Break* broken : met) commands.push_back(daemon.ctl_beside({verb, broken->name}));
    std::vector<CommandResult> results;
    results.reserve(commands.size());
    for (auto& command : commands) results.push_back(command->wait(std::chrono::seconds(40)));
    return results;
  }

  Site site{56};
  std::vector<const Break*> met;

 private:
  static std::string port_of(const base::Address& address) { return std::to_string(address.port().value()); }

  HeldPort busy_;
};

std::string problems_of(const DaemonProcess& daemon, const std::string& name) {
  std::string all;
  const auto app = daemon.app(name);
  for (const control::Problem& problem : app ? app->problems : std::vector<control::Problem>()) {
    all += problem.text + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("breaks: a first start that fails names its cause to the one who waits, and in log and status") {
  BrokenSite broken;
  broken.configure(BrokenSite::As::broken);
  DaemonProcess daemon(broken.site);
  const std::vector<CommandResult> results = broken.run(daemon, "start");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Break& met = *broken.met[i];
    const std::string said = results[i].out + results[i].err;
    const std::string status = problems_of(daemon, met.name);
    INFO(met.name << ": " << said << "status: " << status);
    CHECK(results[i].exit_code == met.exit);
    CHECK(broken.untold(met, said) == "");
    CHECK(status.find(broken.in_status(met)) != std::string::npos);
    const std::string event = met.exit == kPreflight ? "start app=" : "start-failed app=";
    CHECK(daemon.log().find(event + met.name + " ") != std::string::npos);
    CHECK(daemon.log().find(base::quotable(broken.in_status(met))) != std::string::npos);
  }
}

TEST_CASE(
    "breaks: a deploy that fails over a generation that serves names its cause, and what still serves") {
  BrokenSite broken;
  broken.configure(BrokenSite::As::working);
  DaemonProcess daemon(broken.site);
  for (const Break* met : broken.met) REQUIRE(daemon.wait_healthy(met->name, 1, std::chrono::seconds(30)));
  broken.configure(BrokenSite::As::broken);
  const std::vector<CommandResult> results = broken.run(daemon, "deploy");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Break& met = *broken.met[i];
    const std::string said = results[i].out + results[i].err;
    const std::string status = problems_of(daemon, met.name);
    INFO(met.name << ": " << said << "status: " << status);
    CHECK(results[i].exit_code == met.exit);
    CHECK(broken.untold(met, said) == "");
    CHECK(said.find("@1 serves 1/1") != std::string::npos);
    CHECK(status.find(broken.in_status(met)) != std::string::npos);
  }
}
