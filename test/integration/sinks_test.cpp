// Output that goes to syslog or journald, through the real daemon; the test listens at the socket.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/log_socket.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

template <class Condition>
bool soon(Condition condition) {
  return wait_until(condition, std::chrono::seconds(60));
}

// Writes what `code`, in Python, says, and then waits for its end.
std::string app(const std::string& name, const std::string& log, const std::string& code) {
  return "[app." + name +
         "]\nendpoint = \"none\"\ndeploy = { settle = \"10ms\", guard = \"10ms\" }\ncommand = [\"@PYTHON@\", "
         "\"-c\", '''\nimport os, sys, time\n" +
         code + "\ntime.sleep(1000)\n''']\n[app." + name + ".log]\n" + log + "\n";
}

bool arrives(LogSocket& socket, std::string_view text) {
  return soon([&] {
    for (const std::string& message : socket.take()) {
      if (message.find(text) != std::string::npos) return true;
    }
    return false;
  });
}

}  // namespace

TEST_CASE("sinks: journald gets each line with its fields and gvctl says where they are") {
  Site site;
  LogSocket journal(site.directory() / "journal.sock");
  site.configure(app("web", "stdout = \"journal:@DIR@/journal.sock\"", R"(
print('hello', flush=True)
print('oh no', file=sys.stderr, flush=True)
print('x' * 900000, flush=True)
print('GV_APP=other', flush=True))"));
  DaemonProcess daemon(site);
  REQUIRE(soon([&] { return journal.take().size() >= 4; }));
  std::vector<std::map<std::string, std::string>> all;
  for (const std::string& message : journal.messages()) all.push_back(journal_fields(message));
  std::size_t out = 0;
  for (auto& fields : all) {
    CHECK(fields["SYSLOG_IDENTIFIER"] == "web");
    CHECK(fields["GV_APP"] == "web");
    CHECK(fields["GV_GENERATION"] == "1");
    CHECK(fields["GV_INSTANCE"] == "1.1");
    if (fields["GV_STREAM"] == "err") {
      CHECK(fields["MESSAGE"] == "oh no");
      CHECK(fields["PRIORITY"] == "4");
      continue;
    }
    CHECK(fields["PRIORITY"] == "6");
    CHECK(fields["MESSAGE"] ==
          std::vector<std::string>{"hello", std::string(900000, 'x'), "GV_APP=other"}[out++]);
  }
  CHECK(out == 3);
  CHECK(journal.sealed() == 1);
  CHECK(journal.all_sealed());
  const CommandResult logs = daemon.ctl({"logs", "web"});
  INFO(describe(logs));
  CHECK(logs.exit_code == 0);
  CHECK(has(logs.out, "GV_APP=other\n"));
  CHECK(has(logs.err, "what web writes goes to journal:" + (site.directory() / "journal.sock").string() +
                          ": these are the newest lines that the daemon has in memory, the rest is there: "
                          "journalctl GV_APP=web"));
  CHECK_FALSE(std::filesystem::exists(site.directory() / "state/log/web.log"));
}

TEST_CASE("sinks: by UDP each line is a message of RFC 5424") {
  Site site;
  LogSocket syslog;
  site.configure(app("web", "stdout = \"syslog:udp://" + syslog.address() + "\"", R"(
print('hello', flush=True)
time.sleep(0.1)
print('oh no', file=sys.stderr, flush=True)
print('y' * 4000, flush=True))"));
  DaemonProcess daemon(site);
  REQUIRE(soon([&] { return syslog.take().size() >= 5; }));
  const std::regex form(
      R"(<(30|28)>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,6}Z [!-~]+ web 1\.1 (out|err) - (.*))");
  std::string out;
  for (const std::string& message : syslog.messages()) {
    CAPTURE(message);
    std::smatch parts;
    REQUIRE(std::regex_match(message, parts, form));
    CHECK(message.size() <= 2048);
    CHECK((parts[1] == "28") == (parts[2] == "err"));
    if (parts[2] == "err") {
      CHECK(parts[3] == "oh no");
    } else {
      out += parts[3];
    }
  }
  CHECK(syslog.messages().size() == 5);
  CHECK(out == "hello" + std::string(4000, 'y'));
}

TEST_CASE("sinks: what an app says before syslog runs, and while it is started again, is there afterwards") {
  Site site;
  const auto path = site.directory() / "log.sock";
  site.configure(app("web", "stdout = \"syslog:@DIR@/log.sock\"", R"(
n = 0
while not os.path.exists(r'@DIR@/stop'):
    print('line', n, flush=True)
    n += 1
    time.sleep(0.01)
print('last', n, flush=True))"));
  DaemonProcess daemon(site);
  // Commands are answered meanwhile, and memory has the lines.
  REQUIRE(soon([&] { return has(daemon.log(), "log.degraded path=syslog:" + path.string()); }));
  CHECK(has(daemon.ctl({"status"}).out, "log syslog:" + path.string() + ": "));
  CHECK(soon([&] { return has(daemon.ctl({"logs", "web"}).out, "line 0\n"); }));
  std::vector<std::string> messages;
  std::optional<LogSocket> socket;
  socket.emplace(path);
  REQUIRE(arrives(*socket, ": line 0"));
  CHECK(soon([&] { return has(daemon.log(), "log.restored path=syslog:" + path.string()); }));
  CHECK_FALSE(has(daemon.ctl({"status"}).out, "log syslog:"));
  messages = socket->take();
  // Another one, as a stream.
  socket.reset();
  socket.emplace(path, LogSocket::Kind::stream);
  REQUIRE(soon([&] { return socket->take().size() > 5; }));
  (void)site.files().write("stop", "");
  REQUIRE(arrives(*socket, ": last"));
  messages.insert(messages.end(), socket->messages().begin(), socket->messages().end());
  // What the first one had been given and not looked at went with it; behind that nothing is missing.
  std::size_t lines = 0;
  long previous = -1;
  std::size_t gaps = 0;
  for (const std::string& message : messages) {
    CHECK(message.starts_with("<30>"));
    CHECK(has(message, " web[1.1]: "));
    const std::size_t at = message.find(": line ");
    if (at == std::string::npos) continue;
    const long number = std::stol(message.substr(at + 7));
    gaps += number == previous + 1 ? 0U : 1U;
    previous = number;
    ++lines;
  }
  CHECK(lines > 5);
  CHECK(gaps <= 1);
  CHECK(has(messages.back(), ": last " + std::to_string(previous + 1)));
  CHECK_FALSE(has(daemon.log(), "log.dropped"));
}

TEST_CASE("sinks: a syslog that takes nothing costs an app lines, and one that blocks time") {
  Site site;
  LogSocket socket(site.directory() / "log.sock");
  LogSocket other(site.directory() / "other.sock");
  const std::string floods = R"(
line = b'x' * 3999 + b'\n'
for i in range(3000):
    os.write(1, line)
os.write(1, b'over\n')
open(r'@DIR@/' + os.environ['GV_APP'] + '.done', 'w').close())";
  site.configure(app("drops", "stdout = \"syslog:@DIR@/log.sock\"", floods) +
                 app("blocks", "stdout = \"syslog:@DIR@/other.sock\"\non_full = \"block\"", floods) +
                 app("free", "", floods));
  DaemonProcess daemon(site);
  const auto done = [&](const char* name) {
    return std::filesystem::exists(site.directory() / (std::string(name) + ".done"));
  };
  // Neither of them holds up an app that writes to a file.
  CHECK(soon([&] { return done("free"); }));
  CHECK(soon([&] { return done("drops"); }));
  CHECK_FALSE(done("blocks"));
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  CHECK(soon([&] { return has(daemon.log(), "log.dropped lines="); }));
  // Once it is read, one is whole and the other says what is missing.
  REQUIRE(soon([&] {
    (void)socket.take();
    (void)other.take();
    return !other.messages().empty() && other.messages().back().ends_with(": over");
  }));
  // A line may be two messages where it waited for its second half.
  std::ptrdiff_t whole = 0;
  for (const std::string& message : other.messages()) whole += std::ranges::count(message, 'x');
  CHECK(whole == 3000 * 3999);
  CHECK(arrives(socket, " drops: [gracevisor: "));
}

TEST_CASE("sinks: a deploy and a check say that nobody listens") {
  Site site;
  site.configure(app("web", "", "print('to a file', flush=True)"));
  DaemonProcess daemon(site);
  REQUIRE(soon([&] { return has(daemon.ctl({"logs", "web"}).out, "to a file\n"); }));
  site.configure(app("web", "stdout = \"syslog:@DIR@/log.sock\"", "print('to syslog', flush=True)"));
  const std::string path = (site.directory() / "log.sock").string();
  const CommandResult checked = daemon.ctl({"check"});
  INFO(describe(checked));
  CHECK(has(checked.out + checked.err, "app.web.log.stdout: " + path + ": No such file or directory"));
  const CommandResult deployed = daemon.ctl({"deploy", "web"});
  INFO(describe(deployed));
  CHECK(deployed.exit_code == 0);
  CHECK(has(deployed.out + deployed.err, "app.web.log.stdout: cannot connect to syslog:" + path));
  LogSocket socket(path);
  CHECK(arrives(socket, " web[2.1]: to syslog"));
  LogSocket journal(site.directory() / "journal.sock");
  site.configure(app("web", "stdout = \"journal:@DIR@/journal.sock\"", "print('to syslog', flush=True)"));
  const CommandResult reloaded = daemon.ctl({"reload"});
  INFO(describe(reloaded));
  CHECK(reloaded.exit_code == 0);
  CHECK(daemon.ctl({"restart", "web"}).exit_code == 0);
  CHECK(arrives(journal, "MESSAGE=to syslog\n"));
}

TEST_CASE("sinks: the daemon's own log goes to journald with its events, and gvctl follows it all the same") {
  Site site;
  LogSocket journal(site.directory() / "journal.sock");
  const std::string web = app("web", "", "print('hello', flush=True)");
  site.configure("[daemon.log]\nfile = \"journal:@DIR@/journal.sock\"\n" + web);
  DaemonProcess daemon(site);
  const auto following = daemon.ctl_beside({"logs", "--daemon", "-f"});
  REQUIRE(soon([&] { return has(daemon.ctl({"logs", "web"}).out, "hello\n"); }));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  REQUIRE(arrives(journal, "GV_EVENT=cutover\n"));
  for (const std::string& message : journal.messages()) {
    CAPTURE(message);
    auto fields = journal_fields(message);
    CHECK(fields["SYSLOG_IDENTIFIER"] == "gracevisord");
    CHECK_FALSE(fields.contains("GV_APP"));
    if (fields["GV_EVENT"] != "cutover") continue;
    CHECK(fields["PRIORITY"] == "6");
    CHECK(fields["MESSAGE"].starts_with("cutover app=web "));
  }
  CHECK(soon([&] { return has(following->out(), " cutover app=web "); }));
  const CommandResult logs = daemon.ctl({"logs", "--daemon"});
  INFO(describe(logs));
  CHECK(has(logs.out, " cutover app=web "));
  CHECK(
      has(logs.err, "what the daemon writes goes to journal:" + (site.directory() / "journal.sock").string() +
                        ": these are the newest lines that the daemon has in memory, the rest is there: "
                        "journalctl -t gracevisord"));
  CHECK_FALSE(has(daemon.log(), "cutover"));
  // And where it was, without a restart.
  site.configure(web);
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(soon([&] { return has(daemon.log(), " cutover app=web "); }));
  CHECK_FALSE(has(daemon.ctl({"status"}).out, "log journal:"));
}
