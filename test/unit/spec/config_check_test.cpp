// What a check tells of mistakes, and of a host that lacks something.
#include "spec/config_check.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_folder.h"

namespace gracevisor::spec {
namespace {

using Strings = std::vector<std::string>;

// "/tmp/…/gv.toml:2:11: text" as "2:11: text".
Strings lines_of(const std::vector<config::Diagnostic>& findings, const std::string& file) {
  Strings lines;
  for (const config::Diagnostic& finding : findings) {
    const std::string line = finding.line();
    lines.push_back(line.starts_with(file + ":") ? line.substr(file.size() + 1) : line);
  }
  return lines;
}

class Checked {
 public:
  // "@" in the text is this folder.
  explicit Checked(std::string text) {
    for (auto at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
      text.replace(at, 1, folder_.path().string());
    }
    file_ = folder_.write("gv.toml", text, 0644);
  }
  [[nodiscard]] ConfigCheck check() const { return check_config(file_, std::nullopt); }
  // Errors and warnings, but for the one that every app of this test runs as root.
  [[nodiscard]] Strings said() const {
    const ConfigCheck check = this->check();
    Strings lines = lines_of(check.errors, file_);
    for (std::string& line : lines_of(check.warnings, file_)) {
      if (!line.ends_with("): set user")) lines.push_back(std::move(line));
    }
    return lines;
  }
  [[nodiscard]] const test::TempFolder& folder() const { return folder_; }
  [[nodiscard]] std::string here(std::string_view name) const { return (folder_ / name).string(); }

 private:
  test::TempFolder folder_;
  std::string file_;
};

// Keys of an app that is otherwise sound.
std::string app(const std::string& keys) {
  return "[app.web]\nlisten = \"127.0.0.1:8080\"\n" +
         (keys.find("command") == std::string::npos ? "command = \"/bin/true\"\n" : std::string()) + keys +
         "\n";
}

struct Mistake {
  std::string text;
  std::string_view answer;  // part of a line that must be said
};

// Each is a mistake that people made, or were seen to make with other supervisors.
const Mistake kMistakes[] = {
    {"", "no [app.NAME] is defined"},
    {"[app.web]\nlisten = \"127.0.0.1:8080\"\n", "app.web: an app needs a command"},
    {app("command = \"/bin/no-such-server\""),
     "app.web.command: /bin/no-such-server: No such file or directory"},
    {app("command = \"no-such-server --port {port}\""), "cannot find \"no-such-server\" in PATH ("},
    {app("command = \"./server\"\ndirectory = \"@\""), "/server: No such file or directory"},
    {app("command = \"@/gv.toml\""), "/gv.toml is not executable for "},
    {app("command = \"/usr/bin\""), "/usr/bin: Is a directory"},
    {app("command = \"{directory}/server\"\ndirectory = \"/srv/none\""),
     "app.web.directory: /srv/none: No such file"},
    {app("command = \"server && other\""), "\"&&\" means nothing here"},
    {app("command = \"server > log\""), "\">\" means nothing here"},
    {app("command = \"server $PORT\""), "\"$PORT\" means nothing here"},
    {app("command = \"~/server\""), "\"~\" means nothing here, as there is no shell: write the whole path"},
    {app("command = \"FOO=1 server\""), "set variables in environment"},
    {app("command = \"server --port {prot}\""), "{prot}"},
    {app("command = \"\""), "the command is empty"},
    {app("command = 8080"), "expected a command as a list of strings or as one string, found integer"},
    {app("command = \"server 'a\""), "app.web.command"},
    {app(R"(command = "/bin/true {socket}")"), R"("{socket}" has no value with endpoint = "port")"},
    {app("command = \"/bin/true {port}\"\nendpoint = \"socket\""), "\"{port}\" has no value"},
    {app("directory = \"/srv/none\""), "app.web.directory: /srv/none: No such file or directory"},
    {app("directory = \"/bin/true\""), "app.web.directory: /bin/true: Not a directory"},
    {app("directory = \"\""), "app.web.directory"},
    {app("user = \"no-such-user\""), "app.web.user: "},
    {app("user = \"root:no-such-group\""), "app.web.user: "},
    {app("user = 33"), "app.web.user: expected a user"},
    {app("environment_file = \"/etc/none.env\""), "/etc/none.env: No such file or directory (with \"?\""},
    {app("environment_file = \"/etc\""), "/etc is a directory"},
    {app("environment_file = [\"@/gv.toml\"]"), "/gv.toml:1: "},
    {app("environment = { PORT = 8080 }"), "numbers too are written in quotes"},
    {app(R"(environment = { "A=B" = "c" })"), R"(a variable's name has no spaces and no "=")"},
    {app("enviroment = { A = \"b\" }"), "did you mean \"environment\"?"},
    {app("instances = 0"), "0 is out of range (allowed: 1 to 1000)"},
    {app("instances = \"4\""), "expected an integer, found string"},
    {app("helth = \"/up\""), "did you mean \"health\"?"},
    {app("health = \"up\""), "app.web.health"},
    {app("health.interval = 5"), "expected a duration such as \"10s\", found integer"},
    {app("health.timeout = \"5 sec\""), "app.web.health.timeout"},
    {app("stop.signal = \"SIGFOO\""), "app.web.stop.signal"},
    {app("restart.backoff = \"1m\""), "is longer than backoff_max"},
    {app("deploy.strategy = \"rolling\""), "\"rolling\": not supported by this version"},
    {app("exclusive = true"), "not supported by this version"},
    {app("limits.memorie = \"1GiB\""), "app.web.limits.memorie: unknown key"},
    {app("limits.nofile = 2000000000"), "2000000000 is out of range (allowed: 16 to 1073741816)"},
    {app("limits.nofile = \"99:1073741816\""), "app.web.limits.nofile: 1073741816 is more than the "},
    {app("limits.nice = 20"), "20 is out of range (allowed: -20 to 19)"},
    {app("umask = 22"), "expected an octal mask such as \"022\", found integer"},
    {app("supplementary_groups = [\"no-such-group\"]"), "app.web.supplementary_groups: no group \"no-such"},
    {app("capabilities = [\"CAP_NET_BIND\"]"), "did you mean \"NET_BIND_SERVICE\"?"},
    {app("capabilities = [\"CAP_CHOWN\"]"), "app.web.capabilities: "},
    {app("read_only = \"/srv/none\""), "app.web.read_only: "},
    {app("private_tmp = 1"), "app.web.private_tmp: expected true or false, found integer"},
    {app("log.stdout = \"/bin/true/web.log\""), "/bin/true is not a directory"},
    {app("log.stdout = \"/etc\""), "app.web.log.stdout: /etc is a directory"},
    {app("log.stdout = \"journal:/run/none/socket\""),
     "app.web.log.stdout: /run/none/socket: No such file or directory"},
    {app("log.stderr = \"syslog:/dev/null\""), "app.web.log.stderr: /dev/null is no socket"},
    {"[app.web]\ncommand = \"/bin/true\"\n", "is reachable nowhere, as listen is not set"},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"8080\"\n", "there is no listener \"8080\""},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"localhost:8080\"\n", "app.web.listen"},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"127.0.0.1:80800\"\n", "app.web.listen"},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"127.0.0.1:20005\"\n",
     "lies in daemon.port_range (20000-29999)"},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"unix:/run/none/x.sock\"\n", "/run/none: No such file"},
    {"[app.web]\ncommand = \"/bin/true\"\nlisten = \"public\"\n[listen.publik]\naddress = \"127.0.0.1:1\"\n",
     "did you mean \"publik\"?"},
    {app("") + "[app.api]\ncommand = \"/bin/true\"\nlisten = \"127.0.0.1:8080\"\n",
     "belongs to app.web already"},
    {app("") + "[listen.public]\naddress = \"127.0.0.1:9000\"\n", "listen.public: no app listens here"},
    {app("") + "[listen.public]\naddress = \"0.0.0.0:8080\"\n", "is already listened on"},
    {app("") + "[listen.public]\naddress = \"127.0.0.1:1\"\ndefault = \"wep\"\n", "did you mean \"web\"?"},
    {app("") + "[listen.public]\naddress = \"127.0.0.1:1\"\ndefault = \"web\"\ntls = true\n",
     "not supported"},
    {app("endpoint = \"none\""), "has no meaning with endpoint = \"none\""},
    {app("proxy = \"tcp\"\nroute = \"example.com\""), "has no meaning with proxy = \"tcp\""},
    {app("route = \"http://example.com\""), "app.web.route"},
    {app("proxy_options.error_pages = { 5xx = \"/srv/none.html\" }"), "/srv/none.html"},
    {"include = [\"conf.d/*.toml\"]\n" + app(""), "include: no file matches"},
    {"include = \"none.toml\"\n" + app(""), "none.toml"},
    {"include = \"gv.toml\"\n" + app(""), "includes itself"},
    {"[daemon]\nport_range = \"20000-20001\"\n" + app("instances = 2"), "too few to deploy all 2 instances"},
    {"[daemon]\nruntime_dir = \"/bin/true/run\"\n" + app(""),
     "daemon.runtime_dir: /bin/true is not a directory"},
    {"[daemon]\nstate_dir = \"/bin/true\"\n" + app(""), "daemon.state_dir: /bin/true"},
    {"[daemon]\noperator_group = \"no-such-group\"\n" + app(""),
     "daemon.operator_group: no group \"no-such-group\""},
    {"[daemon]\nlog.file = \"/etc\"\n" + app(""), "daemon.log.file: /etc is a directory"},
    {"[daemon]\nlog.file = \"syslog:/dev/null\"\n" + app(""), "daemon.log.file: /dev/null is no socket"},
    {"[program:web]\ncommand = \"/bin/true\"\n", "gv.toml:1:"},
    {"[app.web\ncommand = \"/bin/true\"\n", "gv.toml:1:"},
    {"[app.web]\ncommand = /bin/true\n", "gv.toml:2:"},
    {"apps:\n  web: /bin/true\n", "gv.toml:1:"},
    {"[apps.web]\ncommand = \"/bin/true\"\n", "did you mean \"app\"?"},
    {"[app.all]\ncommand = \"/bin/true\"\n", "\"all\" means all apps"},
    {"[app.\"we b\"]\ncommand = \"/bin/true\"\n", "a name has 1 to 63 letters"},
};

}  // namespace

TEST_CASE("check: each of these mistakes is answered by its cause, with its place") {
  static_assert(std::size(kMistakes) >= 55);
  for (const Mistake& mistake : kMistakes) {
    CAPTURE(mistake.text);
    const Checked checked(mistake.text);
    std::string all;
    std::size_t answers = 0;
    const ConfigCheck check = checked.check();
    for (const auto* findings : {&check.errors, &check.warnings}) {
      for (const config::Diagnostic& finding : *findings) {
        all += "\n" + finding.line();
        if (finding.line().find(mistake.answer) == std::string::npos) continue;
        ++answers;
        CHECK(finding.source.line >= 1);
        CHECK(finding.source.column >= 1);
      }
    }
    CAPTURE(all);
    CHECK(answers >= 1);
  }
}

TEST_CASE("check: what a start finds is not warned of") {
  for (const std::string& text :
       {app(R"(command = ["sh", "-c", "exec ./x"])"), app(R"(command = "true")"),
        app("command = \"./tool {port}\"\ndirectory = \"@/bin\""),
        app("command = \"{directory}/tool\"\ndirectory = \"@/bin\""),
        app("command = \"bin/tool\"\ndirectory = \"@\""),
        app("command = \"tool\"\nenvironment = { PATH = \"{directory}/bin\" }\ndirectory = \"@\""),
        app("command = \"tool\"\nenvironment_file = \"@/path.env\""), app("command = \"/opt/{port}/server\""),
        app("command = \"/bin/true {socket}\"\nendpoint = \"socket\""), app("endpoint = \"fd\""),
        app("environment_file = [\"?/etc/none.env\"]"), app("log.stdout = \"@/new/folder/web.log\""),
        app(R"(log = { stdout = "inherit", access = "/dev/stdout" })"),
        std::string("[app.web]\ncommand = \"/bin/true\"\nendpoint = \"none\"\n"),
        std::string(
            "[daemon]\nruntime_dir = \"@/run\"\nstate_dir = \"@/state\"\n[app.web]\ncommand = \"/bin/true\"\n"
            "listen = \"unix:@/run/web.sock\"\n"),
        app("user = \"0\"")}) {
    CAPTURE(text);
    const Checked checked(text);
    if (::geteuid() != 0 && text.find("user =") != std::string::npos) continue;
    (void)checked.folder().write("bin/tool", "#!/bin/sh\n", 0755);
    (void)checked.folder().write("path.env", "PATH=" + checked.here("bin") + "\n", 0644);
    CHECK(checked.said() == Strings{});
  }
}

TEST_CASE("check: the examples that come with it lack nothing but what they say") {
  for (const char* name : {"demo.toml", "gracevisor.toml"}) {
    CAPTURE(name);
    const ConfigCheck check = check_config(std::string(GV_SOURCE_DIR "/configs/") + name, std::nullopt);
    CHECK(check.errors.empty());
    for (const config::Diagnostic& warning : check.warnings) {
      const std::string line = warning.line();
      CAPTURE(line);
      const bool known = line.ends_with("): set user") ||
                         line.find("gvdemo: No such file") != std::string::npos ||
                         line.find("no [app.NAME] is defined") != std::string::npos ||
                         line.find("no file matches") != std::string::npos;
      CHECK(known);
    }
  }
}

TEST_CASE("check: the summary counts, and with errors there is nothing else") {
  const Checked good(app("command = \"/bin/nothing\"\nuser = \"root\""));
  if (::geteuid() == 0) {
    CHECK(good.check().summary == good.here("gv.toml") + ": 1 app, 1 listener: ok, 1 warning");
    CHECK(good.check().map == Strings{"-  127.0.0.1:8080  *  web"});
  }
  const Checked bad(app("instances = 0\nautostart = 1"));
  const ConfigCheck check = bad.check();
  CHECK(check.summary == bad.here("gv.toml") + ": 2 errors");
  CHECK(check.map.empty());
  CHECK(check.warnings.empty());
  CHECK_FALSE(check.loaded.has_value());
}

TEST_CASE("check: a folder that two apps' logs lack room in is mentioned once") {
  const Checked checked(app(R"(log = { stdout = "/bin/true/a.log", stderr = "/bin/true/b.log" })"));
  CHECK(checked.said().size() == 1);
}

TEST_CASE("check: control characters of a path do not reach the terminal") {
  const Checked checked(app(R"(directory = "/srv/\u001B[2J")"));
  const Strings said = checked.said();
  REQUIRE(said.size() == 1);
  CHECK(said.front().find('\x1b') == std::string::npos);
  CHECK(said.front().find("\\x1b[2J") != std::string::npos);
}

}  // namespace gracevisor::spec
