// gvctl when the daemon is killed in the midst of a command, or does not answer: what it says, and how it
// exits.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr const char* kGone = "gvctl: the daemon has gone: waiting for the next one\n";

std::string demo(const std::string& name, const std::string& listen, const std::string& switches,
                 const std::string& guard) {
  return "[app." + name + "]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"" + listen +
         "\"\nhealth = \"/health\"\nstop.timeout = \"500ms\"\n[app." + name + ".deploy]\nguard = \"" + guard +
         "\"\nguard_interval = \"50ms\"\ntimeout = \"10m\"\n";
}
std::string web(const std::string& switches, const std::string& guard = "10m") {
  return demo("web", "@LISTEN@", switches, guard);
}

// The state record names this; what is not on disk is not known to the next daemon.
bool recorded(const Site& site, const std::string& what) {
  return has(content_of(site.directory() / "state/apps/web.json"), what);
}

struct Rig {
  Site site;
  std::unique_ptr<DaemonProcess> daemon;

  explicit Rig(const std::string& apps) {
    site.configure(apps);
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("web", 1));
  }
  // gvctl, once it has shown that.
  std::unique_ptr<Command> begin(const std::vector<std::string>& words, const std::string& shown) {
    auto command = daemon->ctl_beside(words);
    REQUIRE_MESSAGE(wait_until([&] { return has(command->out(), shown); }, seconds(10)),
                    command->out() << command->err() << daemon->log());
    return command;
  }
  std::unique_ptr<Command> begin_deploy(const std::string& apps, const std::string& shown,
                                        const std::vector<std::string>& words = {"deploy", "web"}) {
    site.configure(apps);
    return begin(words, shown);
  }
};

// One that does not get to run for as long as this lives.
class Stopped {
 public:
  explicit Stopped(pid_t pid) : pid_(pid) { REQUIRE(::kill(pid, SIGSTOP) == 0); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;
  ~Stopped() { go_on(); }
  void go_on() {
    if (pid_ != 0) (void)::kill(std::exchange(pid_, 0), SIGCONT);
  }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("gvctl and a restart: a deploy that was being checked is told as aborted") {
  Rig rig(web("--version-text v1"));
  auto deploy = rig.begin_deploy(web("--never-listen"), "start ");
  REQUIRE(wait_until([&] { return recorded(rig.site, "\"candidate\": 2"); }));
  rig.daemon->kill_daemon();
  const CommandResult ended = deploy->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 6);
  CHECK(ended.err == kGone);
  CHECK(has(ended.out, "failed: web@2 aborted: the daemon was restarted\n"));
  CHECK(rig.daemon->wait_healthy("web", 1));
  CHECK(rig.daemon->app("web")->generation == 1);
}

TEST_CASE("gvctl and a restart: a deploy in its guard is followed to its end in the next daemon") {
  Rig rig(web("--version-text v1"));
  auto deploy = rig.begin_deploy(web("--version-text v2", "2s"), "cutover ");
  auto attached = rig.begin({"attach", "web"}, "cutover ");
  auto waiting = rig.daemon->ctl_beside({"wait", "web"});
  rig.daemon->kill_daemon();
  const CommandResult ended = deploy->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 0);
  CHECK(ended.err == kGone);
  CHECK(has(ended.out, "the daemon was restarted meanwhile; the guard goes on for "));
  CHECK(has(ended.out, "\ndone: "));
  CHECK(rig.daemon->app("web")->generation == 2);
  const CommandResult other = attached->wait();
  INFO(describe(other));
  CHECK(other.exit_code == 0);
  CHECK(other.err == kGone);
  CHECK(has(other.out, "the daemon was restarted meanwhile; "));
  CHECK(has(other.out, "\ndone: "));
  const CommandResult waited = waiting->wait();
  INFO(describe(waited));
  CHECK(waited.exit_code == 0);
  CHECK(waited.out.starts_with("done: "));
}

TEST_CASE("gvctl and a restart: a guard that outlives several daemons, and is aborted in the last one") {
  Rig rig(web("--version-text v1"));
  auto deploy = rig.begin_deploy(web("--version-text v2"), "cutover ");
  for (std::size_t round = 1; round <= 2; ++round) {
    rig.daemon->kill_daemon();
    REQUIRE_MESSAGE(
        wait_until([&] { return count(deploy->out(), "the daemon was restarted meanwhile") == round; }),
        deploy->out() << deploy->err() << rig.daemon->log());
  }
  CHECK(rig.daemon->ctl({"abort", "web"}).exit_code == 0);
  const CommandResult ended = deploy->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 13);
  CHECK(ended.err == std::string(kGone) + kGone);
}

TEST_CASE("gvctl and a restart: with --json what comes are lines of a report, with its exit in the last") {
  if (run_command({GV_PYTHON, "-c", "import jsonschema"}).exit_code != 0) {
    return skip("python3-jsonschema is not installed");
  }
  Rig rig(web("--version-text v1"));
  auto deploy = rig.begin_deploy(web("--never-listen"), "\"phase\":\"start\"", {"--json", "deploy", "web"});
  REQUIRE(wait_until([&] { return recorded(rig.site, "\"candidate\": 2"); }));
  rig.daemon->kill_daemon();
  const CommandResult ended = deploy->wait();
  INFO(describe(ended));
  CHECK(ended.exit_code == 6);
  CHECK(ended.err.empty());
  CHECK(has(ended.out, R"({"phase":"restarted","text":"the daemon has gone: waiting for the next one"})"));
  CHECK(ended.out.ends_with("\"exit\":6}\n"));
  CHECK(count(ended.out, "\"exit\":") == 1);
  TempFolder folder;
  const auto check = [&](const std::string& name, const std::string& documents) {
    const auto schema = folder.write("schema.json", rig.daemon->ctl({"schema", name}).out);
    const auto lines = folder.write("documents", documents);
    return describe(
        run_command({GV_PYTHON, GV_TEST_SUPPORT "/check_schema.py", schema.string(), lines.string()}));
  };
  CHECK(has(check("report", ended.out), "exit 0"));
  const CommandResult status = rig.daemon->ctl({"--json", "status"});
  CHECK(has(check("status", status.out), "exit 0"));
  CHECK(has(status.out, fmt::format(R"("keeper":{{"pid":{},)", rig.daemon->keeper())));
  CHECK(has(status.out, R"x("starts":2,"last_end":"signal 9 (KILL)"})x"));
}

TEST_CASE("gvctl and a restart: of several deploys each app's end is told") {
  const std::string api = demo("api", "@LISTEN1@", "--version-text api", "100ms");
  Rig rig(web("--version-text v1") + api);
  REQUIRE(rig.daemon->wait_healthy("api", 1));
  auto deploy =
      rig.begin_deploy(web("--never-listen") + demo("api", "@LISTEN1@", "--version-text v2", "100ms"),
                       "api      done", {"deploy", "web", "api"});
  REQUIRE(wait_until([&] { return recorded(rig.site, "\"candidate\": 2"); }));
  rig.daemon->kill_daemon();
  const CommandResult ended = deploy->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 8);
  CHECK(has(ended.out, "web      failed   web@2 aborted: the daemon was restarted\n"));
  CHECK(has(ended.out, "failed: 1 of 2 deployed; the daemon was restarted meanwhile\n"));
}

TEST_CASE("gvctl and a restart: a reload is told as aborted, after its deploys") {
  Rig rig(web("--version-text v1"));
  auto reload = rig.begin_deploy(web("--never-listen"), "start ", {"reload"});
  REQUIRE(wait_until([&] { return recorded(rig.site, "\"candidate\": 2"); }));
  rig.daemon->kill_daemon();
  const CommandResult ended = reload->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 6);
  CHECK(has(ended.out, "web      failed   web@2 aborted: the daemon was restarted\n"));
  CHECK(ended.out.ends_with(
      "failed: the reload aborted: the daemon was restarted: gvctl reload --dry-run says what is left\n"));
}

TEST_CASE("gvctl and a restart: a stop that is on record is done when the app is stopped") {
  Rig rig(web("--ignore-term"));
  auto stop = rig.begin({"stop", "web"}, "stop ");
  REQUIRE(wait_until([&] { return recorded(rig.site, "\"stopped\": {"); }));
  rig.daemon->kill_daemon();
  const CommandResult ended = stop->wait();
  INFO(describe(ended) << rig.daemon->log());
  CHECK(ended.exit_code == 0);
  CHECK(has(ended.err, kGone));
  CHECK(has(ended.out, "web, stays stopped: gvctl start web\n"));
  CHECK(rig.daemon->app("web")->state == "stopped");
  CHECK(rig.daemon->children() == 0);
}

TEST_CASE("gvctl and a restart: who asks while there is no daemon is answered by the next one") {
  Rig rig(web("--version-text v1"));
  CHECK_FALSE(has(rig.daemon->ctl({"status"}).out, "daemon pid"));
  CHECK(has(rig.daemon->ctl({"status", "-v"}).out,
            fmt::format(": its keeper has pid {}; version of the keeper ", rig.daemon->keeper())));
  for (int round = 0; round < 3; ++round) {
    rig.daemon->kill_daemon();
    const CommandResult status = rig.daemon->ctl({"status"});
    INFO(describe(status) << rig.daemon->log());
    CHECK(status.exit_code == 0);
    const std::string restarts = round == 0 ? "once" : fmt::format("{} times", round + 1);
    CHECK(
        has(status.out, fmt::format(": restarted {} by its keeper (pid {}), the former one ended by signal 9 "
                                    "(KILL)\n",
                                    restarts, rig.daemon->keeper())));
  }
  REQUIRE(rig.daemon->wait_healthy("web", 1));
  CHECK(rig.daemon->ctl({"status", "--exit-code"}).exit_code == 0);
}

TEST_CASE("gvctl and a restart: logs that are followed go on with the next daemon below the same keeper") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "format = \"prefixed\"\n"));
  DaemonProcess daemon(apps.site);
  REQUIRE(daemon.wait_state("web", "live"));
  auto follow = daemon.ctl_beside({"logs", "-f", "web"});
  apps.say("web", "to the first\n");
  REQUIRE(wait_until([&] { return has(follow->out(), "to the first"); }));
  daemon.kill_daemon();
  REQUIRE(wait_until([&] { return has(follow->err(), "waiting for the next one"); }));
  apps.say("web", "to the second\n");
  CHECK(wait_until([&] { return has(follow->out(), "to the second"); }));
  INFO(follow->out() << follow->err());
  CHECK(count(follow->out(), "to the first") == 1);
  CHECK(count(follow->out(), "to the second") == 1);
  CHECK(follow->err() == std::string(kGone) + "gvctl: the daemon is back\n");
  follow.reset();  // it is no process of the daemon
}

TEST_CASE("gvctl: a daemon that does not answer is waited for, and nothing is left for it to do later") {
  Rig rig(web("--version-text v1"));
  rig.site.configure(web("--version-text v2", "100ms"));
  Stopped stopped(rig.daemon->pid());
  auto status = rig.daemon->ctl_beside({"status"});
  auto deploy = rig.daemon->ctl_beside({"deploy", "web"});
  auto json = rig.daemon->ctl_beside({"--json", "stop", "web"});
  const std::string why = "the daemon does not answer at " + rig.site.socket().string();
  for (Command* one : {status.get(), deploy.get()}) {
    const CommandResult ended = one->wait();
    INFO(describe(ended));
    CHECK(ended.exit_code == 3);
    CHECK(ended.err == "gvctl: " + why + "\n");
    CHECK(ended.took >= milliseconds(4900));
  }
  const CommandResult object = json->wait();
  CHECK(object.exit_code == 3);
  CHECK(object.out == fmt::format(R"({{"error":"{}","exit":3}})", why) + "\n");
  // One that gets to run in time answers.
  auto late = rig.daemon->ctl_beside({"status"});
  stopped.go_on();
  CHECK(late->wait().exit_code == 0);
  const auto app = rig.daemon->app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 1);
  CHECK(app->state == "live");
}

TEST_CASE("gvctl: without a keeper there is no next daemon, and that is said at once") {
  Rig rig(web("--version-text v1"));
  auto deploy = rig.begin_deploy(web("--never-listen"), "start ");
  rig.daemon->abandon();
  const CommandResult ended = deploy->wait(seconds(5));
  INFO(describe(ended));
  CHECK(ended.exit_code == 3);
  CHECK(has(ended.err, "gracevisord is not running\n"));
  CHECK(has(ended.err, "  what became of the deploy of web is not known\n"));
  const CommandResult status = run_command({GV_CTL, "--socket", rig.site.socket(), "status"});
  CHECK(status.exit_code == 3);
  CHECK(status.took < seconds(3));
  (void)kill_leftovers();
}
