// A successor, or its check, that hangs: the daemon waits 30 s for it, and goes on.
#include <doctest/doctest.h>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

TEST_CASE("soak: a successor that hangs is given up after its time, and the daemon serves on") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const pid_t first = owner(daemon);
  constexpr unsigned kClients = 2;
  LoadGenerator load(site.listener(), Request{}, kClients);
  for (const char* name : {"deaf", "stuck-version"}) {
    CAPTURE(name);
    const Population before = app_processes(daemon);
    const Upgraded failed = upgrade(daemon, {"--wait", "--to", stand_in(site, name).string()});
    INFO(describe(failed) << daemon.log());
    CHECK(failed.result.took >= std::chrono::seconds(29));
    CHECK(failed.result.took < std::chrono::seconds(45));
    if (failed.successor() != 0) {
      CHECK(failed.result.exit_code == 1);
      CHECK(has(failed.text("failed"), "did not serve within 30 s, and was killed"));
    } else {
      CHECK(failed.result.exit_code == 2);
      CHECK(has(failed.text("failed"), "it did not end in time"));
    }
    CHECK(owner(daemon) == first);
    CHECK(wait_alone(daemon));
    CHECK(app_processes(daemon) == before);
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  }
  (void)upgrade_well(daemon);
  const LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() == 0);
  CHECK(result.connections == kClients);
  CHECK(daemon.terminate().exit_code == 0);
}
