// Instances that end by themselves: out of the routes at once, and back by the restart policy.
#include <doctest/doctest.h>

#include <csignal>
#include <regex>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string demo(const std::string& switches, const std::string& app, const std::string& restart) {
  return "[app.web]\ncommand = \"@DEMO@ " + switches + "\"\nlisten = \"@LISTEN@\"\n" + app +
         "[app.web.restart]\n" + restart;
}

}  // namespace

TEST_CASE("crash: a killed instance is replaced by a new process in the same generation") {
  Site site;
  site.configure(demo("", "", "backoff = \"100ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t first = daemon.pids("web").at(0);
  REQUIRE(::kill(first, SIGKILL) == 0);
  CHECK(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != first;
  }));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 1);
  REQUIRE(app->instances.size() == 1);
  CHECK(app->instances.front().name == "1.1");
  CHECK(app->instances.front().restarts == 1);
}

TEST_CASE("crash: an instance that serves again still shows its last exit, and what it said before") {
  Site site;
  site.configure(
      "[app.job]\ncommand = [\"sh\", \"-c\", \"if mkdir @DIR@/once; then echo up; echo 'no database' >&2; "
      "exit 3; "
      "fi; exec sleep 600\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\nrestart.backoff = \"50ms\"\n");
  DaemonProcess daemon(site);
  std::optional<control::AppStatus> app;
  REQUIRE(wait_until([&] {
    app = daemon.app("job");
    return app && app->healthy == 1 && app->instances.at(0).restarts == 1;
  }));
  REQUIRE(app->instances.size() == 1);
  CHECK(app->instances.front().last_exit == "exit 3");
  CHECK(app->instances.front().last_line == "no database");
  const CommandResult status = daemon.ctl({"status", "job"});
  INFO(describe(status));
  CHECK(std::regex_search(status.out,
                          std::regex("\n  >  1\\.1 restarted [0-9]+ s ago after exit 3 \"no database\"\n")));
  CHECK(daemon.ctl({"status"}).out.find("restarted") == std::string::npos);
}

TEST_CASE("crash: kill -9 of one of two instances under load fails no idempotent request") {
  Site site;
  site.configure(demo("", "instances = 2\n", "backoff = \"100ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  LoadGenerator load(site.listener(), Request{});
  for (int i = 0; i < 3; ++i) {
    pid_t victim = daemon.pids("web").at(0);
    std::string its_answers = " pid " + std::to_string(victim) + " ";
    REQUIRE(wait_until([&] { return load.so_far().answers_with(its_answers) > 0; }));
    REQUIRE(::kill(victim, SIGKILL) == 0);
    REQUIRE(daemon.wait_healthy("web", 1));
    REQUIRE_MESSAGE(daemon.wait_healthy("web", 2), (daemon.ctl({"status"}).out + daemon.log()));
  }
  LoadResult result = load.stop();
  INFO(describe(result) << "\n" << daemon.log());
  CHECK(result.failed() == 0);
}

TEST_CASE("crash: requests wait for the replacement of the only instance") {
  Site site;
  site.configure(demo("", "", "backoff = \"300ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(::kill(daemon.pids("web").at(0), SIGKILL) == 0);
  REQUIRE(daemon.wait_healthy("web", 0));
  auto answer = fetch(site.listener());
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
}

TEST_CASE("crash: the back-off grows between restarts") {
  Site site;
  site.configure(demo("--exit-after 0s", "", "backoff = \"200ms\"\nbackoff_max = \"60s\"\n"));
  DaemonProcess daemon(site);
  // With jitter of 0.5 to 1.5: 100 to 300 ms, then 200 to 600, then 400 to 1200.
  auto began = std::chrono::steady_clock::now();
  CHECK(wait_until([&] {
    auto app = daemon.app("web");
    return app && !app->instances.empty() && app->instances.front().restarts >= 3;
  }));
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(500));
  // Between two lives status says what ended the last one.
  CHECK(wait_until([&] { return daemon.ctl({"status"}).out.find("exit 1") != std::string::npos; }));
}

TEST_CASE("crash: max_failures ends the restarts in the state fatal") {
  Site site;
  site.configure(demo("--exit-after 0s", "", "backoff = \"20ms\"\nmax_failures = 3\n"));
  DaemonProcess daemon(site);
  CHECK(daemon.wait_state("web", "fatal"));
  CommandResult status = daemon.ctl({"status"});
  INFO(describe(status));
  CHECK(status.out.find("fatal") != std::string::npos);
  CHECK(wait_until([&] { return daemon.children() == 0; }));
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);

  // A deploy of a version that works brings it back.
  site.configure(demo("", "", "max_failures = 3\n") + "[app.web.deploy]\nguard = \"0s\"\n");
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 0);
  answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}

TEST_CASE(
    "crash: one that was given up is tried again after retry_fatal, and over a kill of the daemon too") {
  Site site;
  site.configure(
      "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/starts; exit 3\"]\n"
      "endpoint = \"none\"\ndeploy.settle = \"10ms\"\n"
      "restart = { backoff = \"10ms\", max_failures = 2, retry_fatal = \"1h\" }\n");
  const auto starts = [&] { return count(content_of(site.directory() / "starts"), "\n"); };
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_state("job", "fatal"));
  CHECK(starts() == 2);
  const CommandResult status = daemon.ctl({"status"});
  INFO(describe(status) << daemon.log());
  CHECK(has(status.out, ", and given up for now: gvctl logs job"));
  CHECK(has(daemon.ctl({"--json", "status", "job"}).out, "\"due_s\":3"));
  CHECK(has(daemon.log(), "failures=2"));
  CHECK(has(daemon.log(), "retry_s=3600.0"));
  daemon.kill_daemon();
  REQUIRE(daemon.wait_state("job", "fatal"));
  CHECK(has(daemon.ctl({"--json", "status", "job"}).out, "\"due_s\":3"));
  CHECK(starts() == 2);

  // From then on a fraction of a second is enough.
  site.configure(
      "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/starts; exit 3\"]\n"
      "endpoint = \"none\"\ndeploy.settle = \"10ms\"\n"
      "restart = { backoff = \"10ms\", max_failures = 2, retry_fatal = \"20ms\" }\n");
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  REQUIRE(daemon.ctl({"start", "job"}).exit_code != 0);
  CHECK(wait_until([&] { return starts() >= 7; }));
}

TEST_CASE("crash: on-failure with success_exit_codes leaves ended what ended with one of them") {
  Site site;
  const auto job = [](const std::string& name, const std::string& end, const std::string& policy) {
    return "[app." + name + "]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/" + name + ".starts; " +
           end +
           "\"]\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\nrestart = { backoff = \"10ms\", policy = \"" +
           policy + "\", success_exit_codes = [0, 7] }\n";
  };
  site.configure(job("seven", "exit 7", "on-failure") + job("eight", "exit 8", "on-failure") +
                 job("nine", "exit 9", "on-abnormal") + job("killed", "kill -KILL $$", "on-abnormal"));
  const auto starts = [&](const std::string& name) {
    return count(content_of(site.directory() / (name + ".starts")), "\n");
  };
  DaemonProcess daemon(site);
  CHECK(wait_until([&] { return starts("eight") >= 3 && starts("killed") >= 3; }));
  REQUIRE(daemon.wait_state("seven", "stopped"));
  REQUIRE(daemon.wait_state("nine", "stopped"));
  CHECK(starts("seven") == 1);
  CHECK(starts("nine") == 1);
}

TEST_CASE("crash: the policy on-failure leaves an instance that ended well alone") {
  Site site;
  site.configure(
      demo("--exit-after 300ms --exit-code 0", "", "policy = \"on-failure\"\nbackoff = \"20ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_state("web", "stopped"));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  REQUIRE(app->instances.size() == 1);
  CHECK(app->instances.front().restarts == 0);
}

TEST_CASE("crash: what a dead leader left in its group is killed before the slot is used again") {
  Site site;
  site.configure(
      "[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"sleep 600 & exec @DEMO@\"]\nlisten = \"@LISTEN@\"\n"
      "[app.web.restart]\nbackoff = \"50ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  pid_t first = daemon.pids("web").at(0);
  REQUIRE(daemon.children() == 2);
  REQUIRE(::kill(first, SIGKILL) == 0);
  CHECK(wait_until([&] {
    auto pids = daemon.pids("web");
    return pids.size() == 1 && pids.front() != first;
  }));
  CHECK(wait_until([&] { return daemon.children() == 2; }));
}
