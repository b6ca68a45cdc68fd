// Instances in cgroups of their own: nothing leaves them, over the daemon's death as well; and what is said
// where there are none.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "support/cgroups.h"
#include "support/daemon_process.h"
#include "support/processes.h"
#include "support/told_child.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Beside it a process that nothing ties to it but the cgroup: no parent, no session, marks of its own.
constexpr std::string_view kEscaping =
    "[app.job]\nendpoint = \"none\"\n"
    "command = [\"/bin/sh\", \"-c\", \"(env -i GV_APP=y GV_STATE=x GV_INSTANCE=9.9 setsid /bin/sh -c 'echo "
    "child $$; exec /bin/sleep 600' &); "
    "exec sleep 600\"]\n"
    "[app.job.deploy]\nsettle = \"50ms\"\n[app.job.log]\nstdout = \"@DIR@/job.log\"\n";

pid_t escaped(const Site& site) {
  const pid_t child = told_child(site.directory() / "job.log");
  REQUIRE(wait_until([child] { return command_line(child).starts_with("/bin/sleep"); }));
  return child;
}

// Where there are cgroups, that app runs.
struct Escape {
  Escape() {
    site.configure(kEscaping);
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("job", 1));
    folder = cgroups_of(daemon->status());
    if (folder) child = escaped(site);
  }

  Site site;
  std::unique_ptr<DaemonProcess> daemon;
  std::optional<std::filesystem::path> folder;  // unset: the case is skipped
  pid_t child = 0;
};

}  // namespace

TEST_CASE("cgroups: a process that nothing else ties to its instance ends with it") {
  Escape escape;
  auto& [site, running, folder, child] = escape;
  if (!folder) return;
  DaemonProcess& daemon = *running;
  CHECK(content_of(*folder / "job@1.1-1" / "cgroup.procs") ==
        std::to_string(daemon.pids("job").at(0)) + "\n" + std::to_string(child) + "\n");
  const std::string own = content_of(*folder / "daemon" / "cgroup.procs");
  CHECK(has(own, std::to_string(daemon.keeper()) + "\n"));
  CHECK(has(own, std::to_string(daemon.pid()) + "\n"));
  CHECK(has(daemon.ctl({"status", "--verbose"}).out, "instances have cgroups in " + folder->string()));

  CHECK(daemon.ctl({"stop", "job"}).exit_code == 0);
  CHECK_FALSE(alive(child));
  CHECK_FALSE(std::filesystem::exists(*folder / "job@1.1-1"));
  CHECK(daemon.terminate().exit_code == 0);
  CHECK_FALSE(std::filesystem::exists(*folder));
}

TEST_CASE("cgroups: a daemon that takes over an instance knows all of it") {
  Escape escape;
  auto& [site, running, folder, child] = escape;
  if (!folder) return;
  DaemonProcess& daemon = *running;
  daemon.kill_daemon();
  REQUIRE(daemon.wait_healthy("job", 1));
  CHECK(cgroups_of(daemon.status()) == folder);
  CHECK(alive(child));
  CHECK(daemon.ctl({"stop", "job"}).exit_code == 0);
  CHECK_FALSE(alive(child));
}

TEST_CASE("cgroups: what outlived keeper and daemon is ended by the next ones") {
  Escape escape;
  auto& [site, first, former, child] = escape;
  if (!former) return;
  first->abandon();
  first.reset();
  CHECK(alive(child));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  CHECK_FALSE(alive(child));
  CHECK(has(daemon.log(), "pid=" + std::to_string(child) + " "));
  CHECK_FALSE(std::filesystem::exists(*former));
}

TEST_CASE("cgroups: turned off there are none, status says so, and what needs one is refused by name") {
  Site site;
  const std::string job =
      "[app.job]\nendpoint = \"none\"\ncommand = [\"/bin/sleep\", \"600\"]\n[app.job.deploy]\nsettle = "
      "\"50ms\"\n";
  site.configure_whole(site.daemon_table() + "cgroups = false\n" + job);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  CHECK(daemon.status()->cgroups.empty());
  CHECK(has(daemon.ctl({"status", "--verbose"}).out, "instances have no cgroups: [daemon] cgroups = false"));
  for (const char* limit : {"memory = \"64MiB\"", "tasks = 64", "cpu = \"50%\""}) {
    CAPTURE(limit);
    site.configure_whole(site.daemon_table() + "cgroups = false\n" + job + "[app.job.limits]\n" + limit +
                         "\n");
    const CommandResult deploy = daemon.ctl({"deploy", "job"});
    INFO(describe(deploy));
    CHECK(deploy.exit_code == 9);
    const std::string key = std::string(limit).substr(0, std::string_view(limit).find(' '));
    CHECK(has(deploy.err, "app.job.limits." + key + ": takes a cgroup: [daemon] cgroups = false"));
    CHECK(has(deploy.err, "gracevisor.toml:"));
  }
  CHECK(daemon.ctl({"stop", "job"}).exit_code == 0);
}

TEST_CASE("cgroups: a limit is in force, or refused with what is missing") {
  Site site;
  const std::string storm =
      "[app.job]\nendpoint = \"none\"\ncommand = [\"/bin/sh\", \"-c\", \"(i=0; while [ $i -lt 40 ]; do sleep "
      "600 & "
      "i=$((i+1)); done) && echo free || echo limited; exec sleep 600\"]\n"
      "[app.job.deploy]\nsettle = \"50ms\"\n[app.job.log]\nstdout = \"@DIR@/job.log\"\n";
  site.configure("[app.job]\nendpoint = \"none\"\ncommand = [\"/bin/sleep\", \"600\"]\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  const auto folder = cgroups_of(daemon.status());
  if (!folder) return;
  site.configure(storm + "[app.job.limits]\ntasks = 16\n");
  const CommandResult deploy = daemon.ctl({"deploy", "job"});
  INFO(describe(deploy));
  if (has(deploy.err, " has other processes in it")) return;  // the test's own
  if (has(content_of(folder->parent_path() / "cgroup.controllers"), "pids")) {
    CHECK(deploy.exit_code == 0);
    CHECK(content_of(*folder / "job@2.1-1" / "pids.max") == "16\n");
    // Behind what the shell says of it.
    CHECK(wait_until([&] { return content_of(site.directory() / "job.log").ends_with("limited\n"); }));
  } else {
    CHECK(deploy.exit_code == 9);
    CHECK(has(deploy.err, "app.job.limits.tasks: takes a cgroup: " + folder->parent_path().string()));
    CHECK(has(deploy.err, " has no pids controller"));
  }
}

TEST_CASE("cgroups: an instance that needs more memory than it may have is replaced, and why is told") {
  Site site;
  const std::string idle = "[app.job]\nendpoint = \"none\"\ncommand = [\"/bin/sleep\", \"600\"]\n";
  site.configure(idle);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  const auto folder = cgroups_of(daemon.status());
  if (!folder) return;
  // Its buffer is larger than what it may have.
  site.configure(
      "[app.job]\nendpoint = \"none\"\ncommand = [\"/bin/sh\", \"-c\", \"[ -e @DIR@/go ] || exec sleep 600; "
      "rm @DIR@/go; dd if=/dev/zero of=/dev/null bs=128M count=1; exec sleep 600\"]\n"
      "[app.job.deploy]\nsettle = \"50ms\"\n[app.job.restart]\nbackoff = \"10ms\"\n"
      "[app.job.limits]\nmemory = \"32MiB\"\n");
  const CommandResult deploy = daemon.ctl({"deploy", "job"});
  INFO(describe(deploy));
  if (has(deploy.err, " has other processes in it")) return;  // the test's own
  if (!has(content_of(folder->parent_path() / "cgroup.controllers"), "memory")) {
    CHECK(deploy.exit_code == 9);
    CHECK(has(deploy.err, "app.job.limits.memory: takes a cgroup: "));
    CHECK(has(deploy.err, " has no memory controller"));
    return;
  }
  CHECK(deploy.exit_code == 0);
  CHECK(content_of(*folder / "job@2.1-1" / "memory.max") == "33554432\n");
  (void)site.files().write("go", "");
  REQUIRE(daemon.ctl({"kill", "job@2.1"}).exit_code == 0);
  CHECK(wait_until([&] { return has(daemon.log(), "signal 9 (KILL), by the kernel: out of memory"); }));
  CHECK(daemon.wait_healthy("job", 1));
}
