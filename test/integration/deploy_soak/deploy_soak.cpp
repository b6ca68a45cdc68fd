// E8 of the deploy contract: deploys in a row on a port range of 16 all succeed, and the daemon afterwards
// owns what it owned before. GV_SOAK_DEPLOYS says how many.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "support/daemon_process.h"
#include "support/load_generator.h"
#include "support/processes.h"
#include "support/wait.h"

using namespace gracevisor::test;

namespace {

constexpr unsigned kPorts = 16;
constexpr unsigned kWarmUp = 5;  // what is allocated once and kept is allocated by then
constexpr std::size_t kGrowthKib = 16 * 1024;
#ifdef GV_ADDRESS_SANITIZER
constexpr bool kKeepsFreedMemory = true;
#else
constexpr bool kKeepsFreedMemory = false;
#endif

unsigned wanted_deploys() {
  const char* text = std::getenv("GV_SOAK_DEPLOYS");
  int count = text == nullptr ? 25 : std::atoi(text);
  return count > static_cast<int>(kWarmUp) ? static_cast<unsigned>(count) : kWarmUp + 1;
}

struct Owned {
  std::size_t descriptors = 0;
  std::size_t resident = 0;
};

// The daemon's state once nothing but the live generation is left.
Owned settled(const DaemonProcess& daemon, std::size_t instances) {
  CHECK(wait_until([&] { return daemon.children() == instances; }, std::chrono::seconds(20)));
  return {open_descriptors(daemon.pid()), resident_kib(daemon.pid())};
}

}  // namespace

TEST_CASE("soak: many deploys on a port range of 16 all succeed and leak nothing") {
  constexpr std::size_t kInstances = 2;
  Site site(kPorts);
  site.configure(R"(
[app.web]
command = "@DEMO@"
instances = 2
listen = "@LISTEN@"
health = "/health"
[app.web.deploy]
guard = "0s"
drain_timeout = "5s"
)");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", kInstances));
  LoadGenerator load(site.listener(), Request{}, 2);

  const unsigned count = wanted_deploys();
  Owned before;
  for (unsigned i = 1; i <= count; ++i) {
    CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO("deploy " << i << " of " << count << ": " << describe(deploy) << daemon.log());
    REQUIRE(deploy.exit_code == 0);
    if (i == kWarmUp) before = settled(daemon, kInstances);
  }
  Owned after = settled(daemon, kInstances);
  MESSAGE(count << " deploys: descriptors " << before.descriptors << " -> " << after.descriptors
                << ", resident " << before.resident << " -> " << after.resident << " KiB");
  // Upstream connections come and go with the load: a few more or fewer are no leak, one per deploy is.
  CHECK(after.descriptors <= before.descriptors + 8);
  // AddressSanitizer keeps what was freed for a while, so under it memory always grows at first.
  if (!kKeepsFreedMemory) CHECK(after.resident <= before.resident + kGrowthKib);

  LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(result.ok > 0);
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == count + 1);
  CHECK(daemon.terminate().exit_code == 0);
}
