// A process that does not come to run: which step failed, and why.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "process/process.h"
#include "support/temp_folder.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using test::TempFolder;
using testing::Bench;
using testing::command;
using testing::shell;

const std::vector<std::string> kNeverRan = {"exited", "gone"};

void check_fails(const spawn::SpawnPlan& plan, spawn::SpawnStage stage, int code) {
  Bench bench;
  bench.run(plan);
  CHECK(bench.seen.events == kNeverRan);
  CHECK(text(*bench.seen.status) == text(spawn::SpawnFailed{stage, code}));
}

TEST_CASE("spawn: a program that is not there") {
  check_fails(command({"/nonexistent/program"}), spawn::SpawnStage::exec, ENOENT);
}

TEST_CASE("spawn: a file that may not be executed, and one that is no program") {
  TempFolder folder;
  check_fails(command({folder.write("plain", "#!/bin/sh\n", 0644)}), spawn::SpawnStage::exec, EACCES);
  check_fails(command({folder.write("rubbish", "\x01\x02\x03", 0755)}), spawn::SpawnStage::exec, ENOEXEC);
  check_fails(command({folder.path()}), spawn::SpawnStage::exec, EACCES);
}

TEST_CASE("spawn: arguments beyond what the kernel takes") {
  check_fails(command({"/bin/true", std::string(3U << 20, 'x')}), spawn::SpawnStage::exec, E2BIG);
}

TEST_CASE("spawn: a directory that is not there") {
  auto plan = shell("exit 0");
  plan.directory = "/nonexistent";
  check_fails(plan, spawn::SpawnStage::chdir, ENOENT);
}

TEST_CASE("spawn: user and group ids that cannot be") {
  auto plan = shell("exit 0");
  plan.credentials = spawn::Credentials{};
  if (::geteuid() != 0) {
    check_fails(plan, spawn::SpawnStage::uid, EPERM);
    return;
  }
  constexpr auto kUnchanged = static_cast<uid_t>(-1);
  plan.credentials->uid = kUnchanged;
  check_fails(plan, spawn::SpawnStage::uid, EPERM);
  plan.credentials->gid = kUnchanged;
  check_fails(plan, spawn::SpawnStage::gid, EPERM);
  plan.credentials->groups = {kUnchanged};
  check_fails(plan, spawn::SpawnStage::groups, EINVAL);
}

TEST_CASE("spawn: the directory is entered as the app's user") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  TempFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  auto plan = shell("exit 0");
  plan.directory = folder.path();
  plan.credentials = spawn::Credentials{12345, 12345, {12345}, "", "", ""};
  check_fails(plan, spawn::SpawnStage::chdir, EACCES);
}

// With the tests' app in the place of gv-exec, as a helper with this fault.
struct FaultyBench : Bench {
  explicit FaultyBench(const char* fault) {
    launcher = testing::open_launcher(GV_PROCESS_APP);
    REQUIRE(::setenv("GV_TEST_HELPER", fault, 1) == 0);
  }
  FaultyBench(const FaultyBench&) = delete;
  FaultyBench& operator=(const FaultyBench&) = delete;
  ~FaultyBench() { CHECK(::unsetenv("GV_TEST_HELPER") == 0); }
};

TEST_CASE("spawn: a helper that cannot be executed leaves no child, and this is told") {
  TempFolder folder;
  Bench bench;
  bench.launcher = testing::open_launcher(folder.write("rubbish", "\x01\x02\x03", 0755));
  bench.run(shell("exit 0"));
  CHECK(bench.seen.events == kNeverRan);
  CHECK(bench.seen.begun == 0);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::spawn, ENOEXEC}));
}

TEST_CASE("spawn: a helper that ends without a word") {
  Bench bench;
  bench.launcher = testing::open_launcher("/bin/true");
  bench.run(shell("exit 0"));
  CHECK(bench.seen.events == kNeverRan);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::crashed, 0}));
  FaultyBench faulty("dies");
  faulty.run(shell("exit 0"));
  CHECK(faulty.seen.events == kNeverRan);
  CHECK(*faulty.seen.status ==
        spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::crashed, 128 + SIGKILL}));
}

TEST_CASE("spawn: a helper that talks rubbish") {
  FaultyBench bench("babbles");
  bench.run(shell("exit 0"));
  CHECK(bench.seen.events == kNeverRan);
  CHECK(std::get<spawn::SpawnFailed>(*bench.seen.status).stage == spawn::SpawnStage::crashed);
}

TEST_CASE("spawn: a helper that hangs is killed after its time") {
  ProcessTimes times;
  times.spawn = std::chrono::milliseconds(50);
  FaultyBench bench("hangs");
  bench.run(shell("exit 0"), times);
  CHECK(bench.seen.events == kNeverRan);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::timeout, 0}));
}

TEST_CASE("spawn: a stop while the helper works is no crash of it") {
  FaultyBench bench("hangs");
  bench.start(shell("exit 0"));
  REQUIRE(bench.until([&bench] { return bench.seen.first_line().has_value(); }));
  bench.process->signal(SIGTERM, Whom::group);
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.events == kNeverRan);
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGTERM, false}));
}

TEST_CASE("spawn: where the kernel reaps children itself nothing is started") {
  Bench bench;
  auto before = std::signal(SIGCHLD, SIG_IGN);
  bench.start(shell("exit 0"));
  (void)std::signal(SIGCHLD, before);
  REQUIRE(bench.until("gone"));
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::SpawnFailed{spawn::SpawnStage::spawn, ECHILD}));
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

TEST_CASE(
    "spawn: whatever descriptor is the one too many, nothing leaks and the process runs or is refused") {
  Bench bench;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::size_t open_before = open_descriptors();
  unsigned refused = 0;
  unsigned ran = 0;
  for (rlim_t soft = 10; soft < 48; ++soft) {
    CAPTURE(soft);
    rlimit scarce{soft, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &scarce) == 0);
    bench.seen = {};
    auto started = Process::start(bench.around(), shell("exit 7"), testing::kName, bench.seen.owner());
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    if (started) {
      ++ran;
      REQUIRE(bench.until("gone"));
      CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{7}));
      started->reset();
    } else {
      ++refused;
      CHECK(bench.seen.events.empty());
    }
    bench.loop().run_once(false);
    CHECK(open_descriptors() == open_before);
  }
  CHECK(refused > 0);
  CHECK(ran > 0);
}

}  // namespace
}  // namespace gracevisor::process
