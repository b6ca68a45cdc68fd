// The crash row of the continuity contract: kill -9 of the daemon at random moments under load, in half of
// them during a deploy. No process ends or doubles, no connection is refused, and only requests in flight
// fail. GV_SOAK_KILLS says how many, GV_SOAK_CLIENTS under how many clients; what it took is printed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "support/daemon_process.h"
#include "support/load_generator.h"
#include "support/processes.h"
#include "support/restarts.h"
#include "support/soak.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kInstances = 2;
constexpr unsigned kWarmUp = 3;

// From the kill until a client has an answer that came after it.
milliseconds time_to_answer(LoadGenerator& load, const std::uint64_t served, Clock::time_point killed) {
  REQUIRE(wait_until([&] { return load.so_far().ok > served; }, std::chrono::seconds(30)));
  return std::chrono::duration_cast<milliseconds>(Clock::now() - killed);
}

// The live generation alone, with all its instances.
void settle(const DaemonProcess& daemon) {
  const auto alone = [&] {
    const auto app = daemon.app("web");
    return app && app->healthy == kInstances && app->instances.size() == kInstances &&
           (!app->deploy || !app->deploy->running) && daemon.children() == kInstances + 1;
  };
  REQUIRE_MESSAGE(wait_until(alone, std::chrono::seconds(30)), daemon.ctl({"status"}).out << daemon.log());
}

}  // namespace

TEST_CASE("soak: a daemon that is killed again and again under load loses only what is in flight") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ninstances = 2\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\n"
      "[app.web.deploy]\nguard = \"300ms\"\nguard_interval = \"50ms\"\n"
      "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/starts; exec sleep 36000\"]\n"
      "endpoint = \"none\"\ndeploy.settle = \"10ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", kInstances));
  REQUIRE(daemon.wait_healthy("job", 1));
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  MESSAGE("seed " << seed);
  const unsigned clients = wanted("GV_SOAK_CLIENTS", 8);
  LoadGenerator load(site.listener(), Request{}, clients);

  const unsigned kills = wanted("GV_SOAK_KILLS", 20, int{kWarmUp} + 1);
  std::vector<milliseconds> answered;
  std::uint64_t most_failed = 0;
  std::size_t descriptors = 0;
  for (unsigned i = 1; i <= kills; ++i) {
    CAPTURE(i);
    settle(daemon);
    // Daemons that keep dying at once are started ever later: most of these have lived for a while.
    if (i % 4 != 0) {
      REQUIRE(wait_until([&] { return daemon.status().value_or(control::StatusReport{}).uptime_s >= 2; }));
    }
    if (i == kWarmUp) descriptors = open_descriptors(daemon.keeper());
    const Population before = population(daemon);
    const bool deploys = i % 2 == 0;
    if (deploys) {
      const CommandResult begun = daemon.ctl({"deploy", "web", "--no-wait"});
      REQUIRE_MESSAGE(begun.exit_code == 0, describe(begun) << daemon.log());
    }
    // The moment of the kill is what is random; a deploy takes about as long.
    std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution<int>(0, 700)(random)));
    const LoadResult then = load.so_far();
    const pid_t former = daemon.pid();
    const auto killed = Clock::now();
    daemon.kill_daemon();
    REQUIRE(wait_until([&] { return !alive(former); }));
    answered.push_back(time_to_answer(load, load.so_far().ok, killed));
    REQUIRE_MESSAGE(next_daemon(daemon, former) > 0, daemon.log());
    settle(daemon);
    if (!deploys) CHECK_MESSAGE(population(daemon) == before, daemon.log());
    const LoadResult now = load.so_far();
    most_failed = std::max(most_failed, now.failed() - then.failed());
    CHECK_MESSAGE(now.failed() - then.failed() <= clients, describe(now) << daemon.log());
  }
  settle(daemon);
  const std::size_t descriptors_now = open_descriptors(daemon.keeper());
  const LoadResult result = load.stop();
  std::ranges::sort(answered);
  MESSAGE(kills << " kills, " << result.ok + result.failed() << " requests, " << result.connect_errors
                << " connect errors, " << result.failed() << " failed (at most " << most_failed
                << " per kill), next answer after " << answered.front().count() << " / "
                << answered.at(answered.size() / 2).count() << " / " << answered.back().count()
                << " ms (min / median / max), keeper's descriptors " << descriptors << " -> "
                << descriptors_now);
  INFO(describe(result));
  CHECK(result.connect_errors == 0);
  CHECK(result.other_status == 0);
  CHECK(descriptors_now <= descriptors);
  CHECK(count(content_of(site.directory() / "starts"), "\n") == 1);
  CHECK(daemon.terminate().exit_code == 0);
}
