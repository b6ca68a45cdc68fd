// Apps without endpoint: worker processes that are supervised and deployed, but not routed.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/wait.h"

using namespace gracevisor::test;

namespace {

std::string worker(const std::string& script) {
  return "[app.jobs]\ncommand = [\"/bin/sh\", \"-c\", \"" + script +
         "\"]\nendpoint = \"none\"\n[app.jobs.deploy]\nsettle = \"200ms\"\n"
         "[app.jobs.restart]\nbackoff = \"50ms\"\n";
}

}  // namespace

TEST_CASE("worker app: it counts as healthy after it has settled and is replaced by a deploy") {
  Site site;
  site.configure(worker("echo first; exec sleep 600"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("jobs", 1));
  pid_t old_pid = daemon.pids("jobs").at(0);
  CHECK(daemon.app("jobs")->instances.at(0).endpoint.empty());
  site.configure(worker("echo second; exec sleep 601"));
  CommandResult deploy = daemon.ctl({"deploy", "jobs"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(wait_until([&] { return !alive(old_pid); }));
  auto pids = daemon.pids("jobs");
  REQUIRE(pids.size() == 1);
  CHECK(command_line(pids.front()).find("sleep 601") != std::string::npos);
  CHECK(daemon.ctl({"logs", "jobs"}).out.find("second") != std::string::npos);
}

TEST_CASE("worker app: a version that exits before it has settled fails the deploy with 10") {
  Site site;
  site.configure(worker("exec sleep 600"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("jobs", 1));
  pid_t old_pid = daemon.pids("jobs").at(0);
  site.configure(worker("echo cannot connect >&2; exit 4"));
  CommandResult deploy = daemon.ctl({"deploy", "jobs"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 10);
  CHECK((deploy.out + deploy.err).find("cannot connect") != std::string::npos);
  CHECK(daemon.pids("jobs").at(0) == old_pid);
}
