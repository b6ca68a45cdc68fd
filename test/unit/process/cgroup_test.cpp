// Cgroups: what their files say, where they may be, and that nothing leaves them.
#include "process/cgroup.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "process/cgroup_home.h"
#include "support/skip.h"
#include "support/temp_folder.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using test::put_content;
using testing::Bench;
using testing::ends;
using testing::shell;

// With nobody else's processes: the test is the keeper and the daemon, until the end.
class Home {
 public:
  Home() : home_(CgroupHome::claim(kId, ::getpid())) {
    if (!home_.exists()) test::skip(home_.why_none());
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home() { home_.give_up(::getpid()); }
  explicit operator bool() const { return home_.exists(); }
  CgroupHome& operator*() { return home_; }
  CgroupHome* operator->() { return &home_; }

  static constexpr const char* kId = "0123456789abcdef0123456789abcdef";

 private:
  CgroupHome home_;
};

spawn::SpawnPlan within(const CgroupHome& home, const std::string& script) {
  spawn::SpawnPlan plan = shell(script);
  plan.cgroup = home.place_for(testing::kName);
  return plan;
}

// A process that nothing ties to its instance but the cgroup: no parent, no session, no variable.
constexpr const char* kEscaping =
    "(env -i setsid /bin/sh -c 'echo $$; exec /bin/sleep 1000' &); exec sleep 1000";

pid_t number_in(const std::string& line) {
  return static_cast<pid_t>(std::stoi(line));
}

bool lives(pid_t pid) {
  const auto entry = base::read_process_entry(pid);
  return entry && entry->lives();
}

TEST_CASE("cgroup: what its files say, also those of the folders below") {
  const test::TempFolder folder;
  const Cgroup cgroup(folder.path().string());
  CHECK(cgroup.exists());
  put_content(folder / "cgroup.events", "populated 1\nfrozen 0\n");
  put_content(folder / "cgroup.procs", "12\n0\n13\n");
  std::filesystem::create_directories(folder / "nested" / "deeper");
  put_content(folder / "nested" / "deeper" / "cgroup.procs", "14\nnonsense\n15");
  CHECK(cgroup.populated());
  CHECK(cgroup.members() == std::vector<pid_t>{12, 13, 14, 15});
  CHECK_FALSE(cgroup.out_of_memory());
  put_content(folder / "memory.events", "low 0\noom 2\noom_kill 0\noom_group_kill 1\n");
  CHECK_FALSE(cgroup.out_of_memory());
  put_content(folder / "memory.events", "oom_kill 3\n");
  CHECK(cgroup.out_of_memory());
  put_content(folder / "cgroup.events", "populated 0\n");
  CHECK_FALSE(cgroup.populated());
  CHECK(cgroup.members().empty());
  put_content(folder / "cgroup.events", "nonsense\n");
  CHECK(cgroup.populated());  // it cannot be told
}

TEST_CASE("cgroup: of one that is not there nothing lives, and nothing can be done to it") {
  const test::TempFolder folder;
  const Cgroup cgroup((folder / "gone").string());
  CHECK_FALSE(cgroup.exists());
  CHECK_FALSE(cgroup.populated());
  CHECK(cgroup.members().empty());
  CHECK_FALSE(cgroup.kill());
  CHECK_FALSE(cgroup.out_of_memory());
  cgroup.remove();
}

TEST_CASE("cgroup home: a host without version 2 has none, and says so") {
  const test::TempFolder folder;
  put_content(folder / "own", "0::/x\n");
  const CgroupHome no_mount =
      CgroupHome::claim(Home::kId, ::getpid(), {.mounts = {folder.path().string()}, .own = folder / "own"});
  CHECK_FALSE(no_mount.exists());
  CHECK(no_mount.why_none() == "no cgroup of version 2 is mounted here");
  CHECK(no_mount.place_for(testing::kName).empty());
  CHECK_FALSE(no_mount.find(testing::kName).has_value());
  CHECK(no_mount.members().empty());
  no_mount.clear({});
  for (const char* text : {"", "1:cpu:/x\n", "0::/../other\n", "0::relative\n"}) {
    CAPTURE(text);
    put_content(folder / "own", text);
    CHECK_FALSE(CgroupHome::claim(Home::kId, ::getpid(), {.own = folder / "own"}).exists());
  }
}

TEST_CASE("cgroup home: what systemd has not delegated is left alone") {
  if (!Home()) return;
  const test::TempFolder folder;
  const CgroupHome home = CgroupHome::claim(Home::kId, ::getpid(), {.systemd = folder.path().string()});
  CHECK_FALSE(home.exists());
  CHECK(home.why_none().ends_with(" is systemd's: the unit has no Delegate=yes"));
}

TEST_CASE("cgroup home: each daemon of a keeper finds the same one, and the last removes it") {
  const std::string own = "/proc/self/cgroup";
  const std::string before = test::content_of(own);
  std::string folder;
  {
    Home first;
    if (!first) return;
    folder = first->folder();
    CHECK(test::content_of(own) != before);
    CgroupHome second = CgroupHome::claim(Home::kId, ::getpid());
    CHECK(second.folder() == folder);
  }
  CHECK(test::content_of(own) == before);
  CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("cgroup home: a controller that is not there is named") {
  Home home;
  if (!home) return;
  const std::filesystem::path base = std::filesystem::path(home->folder()).parent_path();
  const std::string there = test::content_of(base / "cgroup.controllers");
  for (const auto& [controller, word] :
       {std::pair(Controller::memory, "memory"), std::pair(Controller::pids, "pids"),
        std::pair(Controller::cpu, "cpu")}) {
    CAPTURE(word);
    const auto can = home->need(controller);
    if (there.find(word) == std::string::npos) {
      REQUIRE_FALSE(can.has_value());
      CHECK(can.error().what == base.string() + " has no " + word + " controller");
      CHECK(can.error().code == EOPNOTSUPP);
    } else if (!can) {
      CHECK(can.error().what.find(base.string()) != std::string::npos);
    }
  }
}

TEST_CASE("cgroup: an instance that ends by itself takes along what nothing else tied to it") {
  Home home;
  if (!home) return;
  Bench bench;
  const pid_t child = number_in(bench.start_until_line(within(*home, kEscaping)));
  const Cgroup cgroup(home->place_for(testing::kName));
  CHECK(cgroup.members().size() == 2);
  const auto members = home->members();
  REQUIRE(members.contains(child));
  CHECK(members.at(child).app == "web");
  CHECK(members.at(child).instance == "42.1");
  CHECK(home->find(testing::kName).has_value());
  bench.process->signal(SIGTERM, Whom::main);
  REQUIRE(bench.until("gone"));
  CHECK_FALSE(lives(child));
  CHECK_FALSE(cgroup.exists());
}

TEST_CASE("cgroup: of a tree that is killed nothing is left, however fast it forks") {
  Home home;
  if (!home) return;
  Bench bench;
  // Each makes the next one and ends: no look finds them all.
  const std::string storm =
      "f() { (env -i setsid /bin/sh -c \"$1\" x \"$1\" &) ; }; "
      "s='(setsid /bin/sh -c \"$1\" x \"$1\" &)'; for i in 1 2 3; do f \"$s\"; done; echo on; exec sleep "
      "1000";
  CHECK(bench.start_until_line(within(*home, storm)) == "on");
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK_FALSE(Cgroup(home->place_for(testing::kName)).exists());
}

TEST_CASE("cgroup: leftovers that are to stay are named, and keep it until they are gone") {
  Home home;
  if (!home) return;
  Bench bench;
  EndRules rules;
  rules.leftovers = Leftovers::leave;
  bench.start(within(*home, kEscaping), {}, rules);
  REQUIRE(bench.until([&] { return bench.seen.first_line().has_value(); }));
  const pid_t child = number_in(*bench.seen.first_line());
  bench.process->signal(SIGTERM, Whom::main);
  REQUIRE(bench.until("left"));
  REQUIRE(bench.seen.left.size() == 1);
  CHECK(bench.seen.left.front().pid.value() == child);
  CHECK(Cgroup(home->place_for(testing::kName)).exists());
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(bench.until("gone"));
  CHECK_FALSE(Cgroup(home->place_for(testing::kName)).exists());
}

// A folder as the kernel has it, where the kernel does nothing.
TEST_CASE("cgroup: its limits are set before the process is in it, and what the kernel killed is told") {
  Bench bench;
  const test::TempFolder folder;
  spawn::SpawnPlan plan = shell("kill -9 $$");
  plan.cgroup = folder.path().string();
  plan.limits.memory = 64U << 20U;
  plan.limits.tasks = 512;
  plan.limits.cpu = 150;
  for (const char* file : {"cgroup.max.descendants", "memory.max", "memory.swap.max", "memory.oom.group",
                           "pids.max", "cpu.max", "cgroup.procs"}) {
    put_content(folder / file, "");
  }
  put_content(folder / "memory.events", "oom_kill 0\n");
  bench.run(plan);
  CHECK(bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGKILL}));
  CHECK(test::content_of(folder / "memory.max") == "67108864");
  CHECK(test::content_of(folder / "memory.oom.group") == "1");
  CHECK(test::content_of(folder / "memory.swap.max") == "0");
  CHECK(test::content_of(folder / "cgroup.max.descendants") == "1000");
  CHECK(test::content_of(folder / "pids.max") == "512");
  CHECK(test::content_of(folder / "cpu.max") == "150000 100000");
  CHECK(test::content_of(folder / "cgroup.procs") == "0");

  put_content(folder / "memory.events", "oom_kill 1\n");
  bench.seen = {};
  bench.run(plan);
  CHECK(bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGKILL, false, true}));
  CHECK(text(*bench.seen.status) == "signal 9 (KILL), by the kernel: out of memory");
  // What the daemon or an operator has killed is not the kernel's.
  bench.seen = {};
  plan.argv.back() = "sleep 1000";
  bench.start(plan);
  REQUIRE(bench.until("running"));
  bench.process->kill_tree();
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGKILL}));
  bench.seen = {};
  bench.start(plan);
  REQUIRE(bench.until("running"));
  bench.process->pass_signal(SIGKILL, Whom::main);
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.status == spawn::ExitStatus(spawn::Signaled{SIGKILL}));
}

TEST_CASE("cgroup home: a mount that has another cgroup of the same name is another namespace's") {
  if (!Home()) return;
  const test::TempFolder folder;
  // As in a container that has its own namespace and the host's mount.
  const std::string own = test::content_of("/proc/self/cgroup");
  const CgroupHome elsewhere = [&] {
    const std::filesystem::path other =
        std::filesystem::path(Home()->folder()).parent_path() / "gv-test-other";
    std::filesystem::create_directory(other);
    put_content(folder / "own", "0::/gv-test-other\n");
    CgroupHome found = CgroupHome::claim(Home::kId, ::getpid(), {.own = folder / "own"});
    std::filesystem::remove(other);
    return found;
  }();
  CHECK_FALSE(elsewhere.exists());
  CHECK(elsewhere.why_none().ends_with(" is not what this process is in: it is another namespace's"));
  CHECK(test::content_of("/proc/self/cgroup") == own);
}

TEST_CASE("cgroup home: a process that was ordered by a former daemon is known before it is there") {
  Home home;
  if (!home) return;
  const auto cgroup = home->find(testing::kName);
  REQUIRE(cgroup.has_value());
  CHECK_FALSE(cgroup->exists());
  CHECK_FALSE(cgroup->populated());
}

TEST_CASE("cgroup: a limit without one is no start") {
  Bench bench;
  spawn::SpawnPlan plan = shell("exec sleep 1000");
  plan.limits.memory = 64U << 20U;
  bench.run(plan);
  REQUIRE(bench.seen.status.has_value());
  const auto* failed = std::get_if<spawn::SpawnFailed>(&*bench.seen.status);
  REQUIRE(failed != nullptr);
  CHECK(failed->stage == spawn::SpawnStage::memory);
}

TEST_CASE("cgroup: one that cannot be made is no start, and what was begun is removed") {
  Bench bench;
  spawn::SpawnPlan plan = shell("exec sleep 1000");
  const test::TempFolder folder;
  plan.cgroup = (folder / "none" / "web@1.1-1").string();
  bench.run(plan);
  const auto* failed = std::get_if<spawn::SpawnFailed>(&*bench.seen.status);
  REQUIRE(failed != nullptr);
  CHECK(failed->stage == spawn::SpawnStage::cgroup);
  CHECK(failed->code == ENOENT);
}

}  // namespace
}  // namespace gracevisor::process
