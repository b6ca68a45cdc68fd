// gvctl logs -f: over restarts of the daemon, and as apps come and go.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::seconds;

TEST_CASE("logs: a follower waits for the next daemon and gets what both wrote, once") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "format = \"prefixed\"\n"));
  auto first = std::make_unique<DaemonProcess>(apps.site);
  REQUIRE(shows(*first, "web", "begins"));
  auto follow = first->ctl_beside({"logs", "-f", "web"});
  apps.say("web", "to the first\n");
  REQUIRE(wait_until([&] { return has(follow->out(), "to the first"); }));
  first->abandon();
  REQUIRE(wait_until([&] { return has(follow->err(), "waiting for the next one"); }));
  apps.forget("web");
  DaemonProcess second(apps.site);
  REQUIRE(shows(second, "web", "begins"));
  apps.say("web", "to the second\n");
  CHECK(wait_until([&] { return has(follow->out(), "to the second"); }));
  INFO(follow->out() << follow->err());
  CHECK(count(follow->out(), "begins") == 2);
  CHECK(count(follow->out(), "to the first") == 1);
  CHECK(count(follow->out(), "to the second") == 1);
  CHECK(follow->err() == "gvctl: the daemon has gone: waiting for the next one\ngvctl: the daemon is back\n");
  CHECK(follow->running());
  follow.reset();  // it is no process of the daemon
}

TEST_CASE("logs: who follows all apps gets those that are added later from their first line") {
  const EchoSite apps({"web", "late", "third"});
  const auto folder = apps.site.directory() / "apps.d";
  std::filesystem::create_directory(folder);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  const auto configure = [&](const std::string& more) {
    apps.site.configure_whole(apps.site.daemon_table() + "autodiscover = \"@DIR@/apps.d\"\n" + echo("web") +
                              more);
  };
  configure("");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  auto all = daemon.ctl_beside({"logs", "-f"});
  auto one = daemon.ctl_beside({"logs", "-f", "web"});
  REQUIRE(wait_until([&] { return has(all->out(), "begins") && has(one->out(), "begins"); }));

  configure(echo("late"));
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  REQUIRE(wait_until([&] { return has(all->out(), "late@1.1  begins\n"); }));
  (void)apps.site.files().write("apps.d/third.toml", apps.site.expand(echo("third")), 0644);
  REQUIRE(wait_until([&] { return has(all->out(), "third@1.1  begins\n"); }, seconds(40)));

  // One that is taken away and comes back, and all of them.
  configure("");
  const auto reload = [&daemon](const char* option) {
    // The folder's deploy may be under way.
    return wait_until([&] { return daemon.ctl({"reload", option}).exit_code == 0; }, seconds(40));
  };
  REQUIRE(reload("--remove"));
  configure(echo("late"));
  REQUIRE(reload("--json"));
  CHECK(wait_until([&] { return has(all->out(), "late@2.1  begins\n"); }));
  for (const char* name : {"late", "third", "web"}) apps.say(name, std::string("last of ") + name + "\n");
  CHECK(wait_until([&] {
    return has(all->out(), "late@2.1  last of late\n") && has(all->out(), "third@1.1  last of third\n") &&
           has(all->out(), "web@1.1  last of web\n");
  }));
  INFO(all->out() << all->err());
  CHECK(count(all->out(), "begins") == 4);
  CHECK(wait_until([&] { return has(one->out(), "last of web"); }));
  CHECK(one->out() == "web@1.1  begins\nweb@1.1  last of web\n");
  CHECK(all->err().empty());
}

TEST_CASE("logs: who follows all apps stays when the last one goes and gets the next one") {
  const EchoSite apps({"web", "next"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "begins"));
  auto all = daemon.ctl_beside({"logs", "-f"});
  REQUIRE(wait_until([&] { return has(all->out(), "web@1.1  begins\n"); }));
  apps.site.configure(echo("next"));
  REQUIRE(daemon.ctl({"reload", "--remove"}).exit_code == 0);
  CHECK(wait_until([&] { return has(all->out(), "next@1.1  begins\n"); }));
  CHECK(all->running());
}

TEST_CASE("logs: a line from the future hides nothing from a follower that waits for the next daemon") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "format = \"prefixed\"\n"));
  auto first = std::make_unique<DaemonProcess>(apps.site);
  REQUIRE(shows(*first, "web", "begins"));
  std::ofstream(apps.log("web"), std::ios::app) << "2099-11-29T10:00:00.000Z web@1.1 out| not yet\n";
  auto follow = first->ctl_beside({"logs", "-f", "web"});
  REQUIRE(wait_until([&] { return has(follow->out(), "not yet"); }));
  first->abandon();
  REQUIRE(wait_until([&] { return has(follow->err(), "waiting for the next one"); }));
  apps.forget("web");
  DaemonProcess second(apps.site);
  REQUIRE(shows(second, "web", "begins"));
  apps.say("web", "to the second\n");
  CHECK(wait_until([&] { return has(follow->out(), "to the second"); }));
  follow.reset();  // it is no process of the daemon
}
