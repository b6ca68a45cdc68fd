// Orphans that come to the keeper, and how it lasts over many children.
#include <fcntl.h>

#include <filesystem>
#include <sstream>

#include "keeper_fixture.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::keeper::testing {
namespace {

namespace fs = std::filesystem;

// The children of this process that have ended and were not reaped.
std::size_t zombies_of(pid_t parent) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = test::content_of(entry.path() / "stat");
    std::istringstream fields(
        stat.substr(stat.rfind(')') == std::string::npos ? stat.size() : stat.rfind(')') + 1));
    char state = 0;
    pid_t its_parent = 0;
    if (fields >> state >> its_parent && state == 'Z' && its_parent == parent) ++count;
  }
  return count;
}

SpawnOrder bare(const base::UniqueFd& helper, const base::UniqueFd& null) {
  SpawnOrder order;
  order.helper = helper.get();
  order.in = order.out = order.err = order.plan = order.report = null.get();
  return order;
}

TEST_CASE("keeper: orphans are reaped, also behind a hundred zombies that nobody has had reaped") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd helper(::open("/bin/true", O_PATH | O_CLOEXEC));
  base::UniqueFd null = open_null();
  SpawnOrder order = bare(helper, null);
  for (std::uint32_t i = 0; i < 100; ++i) {
    order.tag = tag("pinned", 1, i);
    (void)daemon.ask<Started>(daemon.client.spawn(order));
  }
  for (int i = 0; i < 100; ++i) (void)daemon.await<ChildExited>();
  REQUIRE(zombies_of(keeper.pid()) == 100);
  Child child =
      daemon.spawn(tag("web", 1, 1), shell("i=0; while [ $i -lt 1000 ]; do (: & ) ; i=$((i + 1)); done; "
                                           "echo done; sleep 60"));
  REQUIRE(readable(child.out.get(), std::chrono::seconds(60)));
  CHECK(test::wait_until([&] { return zombies_of(keeper.pid()) == 100; }));
  CHECK(daemon.children().size() == 101);
}

TEST_CASE("keeper: of a child that has ended it says whether anybody has left anything") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  std::uint32_t slot = 0;
  std::string said;
  const auto ended_alone = [&](const std::string& script) {
    const Child child = daemon.spawn(tag("web", 1, ++slot), shell(script));
    const auto ended = daemon.await<ChildExited>();
    CHECK(ended.pid == child.pid);
    said = read_all(child.out.get());
    return ended.alone;
  };
  CHECK(ended_alone("exit 0"));
  // A living child of the table, and its children, are nobody's rest.
  const Child living = daemon.spawn(tag("web", 1, ++slot), shell("sleep 1000 & echo here; wait"));
  REQUIRE(readable(living.out.get()));
  CHECK(ended_alone("exit 0"));
  CHECK_FALSE(ended_alone("setsid sleep 1000 >/dev/null 2>&1 & echo $!"));
  const pid_t orphan = std::stoi(said);
  // Also of another one: whose it is, the daemon finds out.
  CHECK_FALSE(ended_alone("exit 0"));
  CHECK(::kill(orphan, SIGKILL) == 0);
  CHECK(test::wait_until([&] { return ended_alone("exit 0"); }));
}

TEST_CASE("keeper: an orphan that is no child of the table ends unheard, and its signals reach nobody") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("setsid sh -c 'sleep 0.05; echo orphan' & exit 0"));
  CHECK(daemon.await<ChildExited>().pid == child.pid);
  (void)daemon.ask<Reaped>(daemon.client.reap(child.pid));
  // It has outlived its parent, and writes still.
  CHECK(read_all(child.out.get()) == "orphan\n");
  CHECK(test::wait_until([&] { return test::descendants_of(keeper.pid()).size() == 1; }));
  CHECK(zombies_of(keeper.pid()) == 0);
  CHECK(daemon.kept() == 0);
}

TEST_CASE("keeper: thousands of children over time leave no trace in it") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd helper(::open("/bin/true", O_PATH | O_CLOEXEC));
  base::UniqueFd null = open_null();
  SpawnOrder order = bare(helper, null);
  order.kept_out = order.kept_err = order.kept_report = null.get();
  const char* asked = std::getenv("GV_KEEPER_CHILDREN");
  const int many = asked != nullptr ? std::atoi(asked) : 1000;
  std::size_t open = 0;
  std::size_t resident = 0;
  for (int i = 0; i < many; ++i) {
    order.tag = tag("web", static_cast<std::uint64_t>(i), 1);
    const pid_t pid = daemon.ask<Started>(daemon.client.spawn(order)).pid;
    CHECK(daemon.await<ChildExited>().pid == pid);
    (void)daemon.ask<Reaped>(daemon.client.reap(pid));
    if (i != 10) continue;
    open = test::open_descriptors(keeper.pid());
    resident = test::resident_kib(keeper.pid());
  }
  CHECK(test::wait_until([&] { return test::open_descriptors(keeper.pid()) == open; }));
  if (test::kMemoryIsOurs) {
    MESSAGE("resident: " << resident << " KiB, after " << many << " children "
                         << test::resident_kib(keeper.pid()) << " KiB");
    CHECK(test::resident_kib(keeper.pid()) <= resident + 16);
    CHECK(resident <= 1024);
  }
}

}  // namespace
}  // namespace gracevisor::keeper::testing
