// A daemon below a keeper of another version, as an upgrade of the package leaves it below an earlier one:
// the protocol only grows (keeper/protocol.h), so that they understand each other.
#include <doctest/doctest.h>

#include <filesystem>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/restarts.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
namespace fs = std::filesystem;

namespace {

void live_below(const fs::path& keeper) {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --version-text v1\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n"
      "instances = 2\ndeploy.guard = \"0s\"\n");
  const fs::path folder = site.directory() / "programs";
  fs::create_directories(folder);
  const fs::path program = folder / "gracevisord";
  fs::copy_file(GV_DAEMON, program);
  fs::copy_file(GV_EXEC, folder / "gv-exec");
  fs::copy_file(keeper, folder / "gv-keeper");
  DaemonProcess daemon(site, {}, program);
  REQUIRE(daemon.wait_healthy("web", 2));
  REQUIRE(fs::read_symlink("/proc/" + std::to_string(daemon.keeper()) + "/exe") == folder / "gv-keeper");

  const CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  const Population before = population(daemon);
  CHECK(before.size() == 2);

  daemon.kill_daemon();
  REQUIRE(daemon.wait_healthy("web", 2));
  CHECK(population(daemon) == before);

  const CommandResult upgrade = daemon.ctl({"upgrade", "--wait"});
  INFO(describe(upgrade) << daemon.log());
  CHECK(upgrade.exit_code == 0);
  REQUIRE(wait_until([&] { return population(daemon) == before; }));
  CHECK(served_by(site.listener()) == "v1");
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
}

}  // namespace

TEST_CASE(
    "continuity: below a keeper of a later version a daemon starts, deploys, is followed and upgraded") {
  live_below(GV_LATER_KEEPER);
}

TEST_CASE(
    "continuity: below a keeper of the first version a daemon starts, deploys, is followed and upgraded") {
  live_below(GV_EARLIER_KEEPER);
}
