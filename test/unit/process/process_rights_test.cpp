// What a process finds of the limits and privileges of its plan, and what is said of those that the kernel
// refuses.
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "spawn/trial.h"
#include "support/skip.h"
#include "support/temp_folder.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using spawn::ResourceLimit;
using spawn::SpawnFailed;
using spawn::SpawnStage;
using testing::Bench;
using testing::shell;

constexpr uid_t kUser = 12345;

// What the script prints.
std::string printed(const std::string& script, auto set) {
  Bench bench;
  auto plan = shell(script);
  set(plan);
  bench.run(plan);
  INFO(bench.seen.err);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{0}));
  return bench.seen.out;
}
// How it ended, if it was not executed.
std::optional<SpawnFailed> failure(auto set) {
  Bench bench;
  auto plan = shell("true");
  set(plan);
  bench.run(plan);
  const auto* failed = std::get_if<SpawnFailed>(&*bench.seen.status);
  return failed != nullptr ? std::optional(*failed) : std::nullopt;
}
void as_user(spawn::SpawnPlan& plan) {
  plan.credentials = spawn::Credentials{kUser, kUser, {kUser}, "", "", ""};
}

bool is_root() {
  if (::geteuid() == 0) return true;
  test::skip("needs root");
  return false;
}
bool may_mount() {
  if (is_root() && ::prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1) return true;
  test::skip("needs CAP_SYS_ADMIN");
  return false;
}

TEST_CASE("rights: limits, nice, I/O class and score are those of the plan") {
  const int nice = ::geteuid() == 0 ? 7 : 19;  // who is nice already cannot go back
  const std::string seen = printed(
      "ulimit -Sn; ulimit -Hn; awk '/Max (processes|core)/ { print $(NF - 2), $(NF - 1) }' "
      "/proc/self/limits; "
      "nice; ionice; cat /proc/self/oom_score_adj",
      [nice](spawn::SpawnPlan& plan) {
        plan.open_files = 77;  // the key wins
        plan.limits = {ResourceLimit{50, 60},
                       ResourceLimit{501, 501},
                       ResourceLimit{0, 0},
                       nice,
                       static_cast<std::uint16_t>(2U << 13U | 6U),
                       321};
      });
  CHECK(seen == "50\n60\n0 0\n501 501\n" + std::to_string(nice) + "\nbest-effort: prio 6\n321\n");
}

TEST_CASE("rights: the umask is that of the plan") {
  CHECK(printed("umask", [](spawn::SpawnPlan& plan) { plan.umask = 0137; }) == "0137\n");
}

TEST_CASE("rights: no new privileges, if the plan says so") {
  const char* script = "grep NoNewPrivs /proc/self/status";
  CHECK(printed(script, [](spawn::SpawnPlan& plan) { plan.no_new_privileges = true; }) == "NoNewPrivs:\t1\n");
}

TEST_CASE("rights: the capabilities of the plan are kept by another user, and no others can be had") {
  if (!is_root()) return;
  const auto keep = [](spawn::SpawnPlan& plan) {
    as_user(plan);
    plan.capabilities = 1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_KILL;
  };
  const std::string set = "0000000000000420\n";
  // Those of a shell: kept through the execution.
  CHECK(printed("grep ^Cap /proc/self/status; id -u", keep) == "CapInh:\t" + set + "CapPrm:\t" + set +
                                                                   "CapEff:\t" + set + "CapBnd:\t" + set +
                                                                   "CapAmb:\t" + set + "12345\n");
  const auto both = [&](spawn::SpawnPlan& plan) {
    keep(plan);
    plan.no_new_privileges = true;
  };
  CHECK(printed("grep CapEff /proc/self/status", both) == "CapEff:\t" + set);
  CHECK(printed("grep -E 'CapEff|CapAmb' /proc/self/status", as_user) ==
        "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
}

TEST_CASE("rights: each instance has a /tmp of its own, which is gone with it") {
  if (!may_mount()) return;
  const test::TempFolder folder;  // in /tmp
  const std::string script =
      "ls -A /tmp /var/tmp | tr '\\n' ' '; stat -c %a /tmp /var/tmp; echo x >/tmp/mine; cat /tmp/mine";
  for (int run = 0; run < 2; ++run) {
    CHECK(printed(script, [](spawn::SpawnPlan& plan) {
            as_user(plan);
            plan.private_tmp = true;
          }) == "/tmp:  /var/tmp: 1777\n1777\nx\n");
  }
  CHECK_FALSE(std::filesystem::exists("/tmp/mine"));
  CHECK(std::filesystem::exists(folder.path()));
}

TEST_CASE("rights: what is read-only cannot be changed by the app, and by all others as before") {
  if (!may_mount()) return;
  const test::TempFolder folder;
  const std::string at = folder.path().string();
  (void)folder.write("kept/file", "old");
  (void)folder.write("kept/below/file", "old");
  (void)folder.write("open/file", "old");
  const std::string script =
      "cd " + at + "; for f in kept/file kept/below/file open/file; do (echo new >$f) 2>&1; cat $f; done";
  const auto set = [&](spawn::SpawnPlan& plan) { plan.read_only = {at + "/kept"}; };
  const std::string seen = printed(script, set);
  INFO(seen);
  CHECK(seen.find("kept/file: Read-only file system\nold") != std::string::npos);
  CHECK(seen.find("kept/below/file: Read-only file system\nold") != std::string::npos);
  CHECK(seen.ends_with("new\n"));
  (void)folder.write("kept/file", "changed");  // not here
  CHECK(printed("cat " + at + "/kept/file", set) == "changed");
  // A file alone, and everything but the private /tmp.
  const std::string whole =
      printed("(echo x >/etc/gv-test) 2>&1; echo y >/tmp/x && cat /tmp/x", [](spawn::SpawnPlan& plan) {
        plan.read_only = {"/"};
        plan.private_tmp = true;
      });
  CHECK(whole.find("/etc/gv-test: Read-only file system\n") != std::string::npos);
  CHECK(whole.ends_with("\ny\n"));
  CHECK(printed("(echo x >" + at + "/open/file) 2>&1 || true", [&](spawn::SpawnPlan& plan) {
          plan.read_only = {at + "/open/file"};
        }).find("Read-only file system") != std::string::npos);
}

TEST_CASE("rights: mounts in the app's view do not reach the machine's") {
  if (!may_mount()) return;
  struct stat before{};
  REQUIRE(::stat("/tmp", &before) == 0);
  Bench bench;
  auto plan = shell("echo begun; exec sleep 60");
  plan.private_tmp = true;
  (void)bench.start_until_line(plan);
  struct stat during{};
  REQUIRE(::stat("/tmp", &during) == 0);
  CHECK(before.st_dev == during.st_dev);
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
}

TEST_CASE("rights: what the kernel refuses is named by its step, and the program is not executed") {
  const auto check = [](SpawnStage stage, int code, auto set) {
    const auto failed = failure(set);
    CAPTURE(static_cast<int>(stage));
    REQUIRE(failed.has_value());
    CHECK(failed->stage == stage);
    CHECK(failed->code == code);
  };
  using Plan = spawn::SpawnPlan;
  // More than fs.nr_open can be.
  check(SpawnStage::nofile, EPERM, [](Plan& plan) { plan.limits.open_files = {16, 1ULL << 40U}; });
  check(SpawnStage::nproc, EINVAL, [](Plan& plan) { plan.limits.processes = {2, 1}; });
  check(SpawnStage::core, EINVAL, [](Plan& plan) { plan.limits.core = {2, 1}; });
  check(SpawnStage::io_class, EINVAL, [](Plan& plan) { plan.limits.io_priority = 7U << 13U; });
  check(SpawnStage::oom_score_adj, EINVAL, [](Plan& plan) { plan.limits.oom_score_adj = 1001; });
  if (!may_mount()) return;
  check(SpawnStage::read_only, ENOENT, [](Plan& plan) { plan.read_only = {"/no/such"}; });
  check(SpawnStage::capabilities, EINVAL, [](Plan& plan) {
    as_user(plan);
    plan.capabilities = 1ULL << 63U;  // which no kernel has
  });
}

TEST_CASE("rights: a user with more processes than the limit allows cannot execute one more") {
  if (!is_root()) return;
  constexpr uid_t kOther = 12399;  // who has no other processes
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  std::array<pid_t, 2> others{};
  for (pid_t& other : others) {
    other = ::fork();
    REQUIRE(other >= 0);
    if (other == 0) {
      if (::setresuid(kOther, kOther, kOther) != 0 || ::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) (void)::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
  }
  const auto limited = [](std::uint64_t most) {
    return failure([most](spawn::SpawnPlan& plan) {
      plan.credentials = spawn::Credentials{kOther, kOther, {kOther}, "", "", ""};
      plan.limits.processes = {most, most};
    });
  };
  CHECK(limited(1) == SpawnFailed{SpawnStage::exec, EAGAIN});
  CHECK_FALSE(limited(9).has_value());
  for (const pid_t other : others) {
    REQUIRE(::kill(other, SIGKILL) == 0);
    REQUIRE(::waitpid(other, nullptr, 0) == other);
  }
  (void)::close(ready[0]);
  (void)::close(ready[1]);
}

TEST_CASE("trial: it finds the step that would fail, and leaves nothing behind") {
  Bench bench;
  struct stat null_before{};
  REQUIRE(::stat("/dev/null", &null_before) == 0);
  auto plan = shell("true");
  plan.directory = "/no/such";
  plan.program = "/no/such";
  CHECK_FALSE(spawn::asks_for_rights(plan));
  plan.limits.nice = 19;
  CHECK(spawn::asks_for_rights(plan));
  if (::geteuid() == 0) as_user(plan);
  CHECK_FALSE(spawn::try_out(bench.launcher, plan).has_value());
  plan.limits.io_priority = 7U << 13U;
  CHECK(spawn::try_out(bench.launcher, plan) == SpawnFailed{SpawnStage::io_class, EINVAL});
  struct stat null_after{};
  REQUIRE(::stat("/dev/null", &null_after) == 0);
  CHECK(null_after.st_uid == null_before.st_uid);
}

TEST_CASE("trial: a helper that dies or hangs is told from one that refuses") {
  auto plan = shell("true");
  auto dies = testing::open_launcher("/bin/true");
  CHECK(spawn::try_out(dies, plan)->stage == SpawnStage::crashed);
  REQUIRE(::setenv("GV_TEST_HELPER", "hangs", 1) == 0);
  auto hangs = testing::open_launcher(GV_PROCESS_APP);
  const auto failed = spawn::try_out(hangs, plan, std::chrono::milliseconds(100));
  REQUIRE(::unsetenv("GV_TEST_HELPER") == 0);
  CHECK(failed->stage == SpawnStage::timeout);
}

}  // namespace
}  // namespace gracevisor::process
