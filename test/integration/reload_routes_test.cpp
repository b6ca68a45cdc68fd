// Routes and addresses that a reload gives from one app to another, and what comes between.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <csignal>

#include "base/unique_fd.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

const std::string kNew = "environment.A = \"b\"\n";
const std::string kQuick = "deploy.timeout = \"300ms\"\n";

}  // namespace

TEST_CASE("reload routes: two deployed apps swap their hosts under load, and no request fails") {
  Site site;
  site.configure(public_listener() + named_app("a", "public", host_route("one.test")) +
                 named_app("b", "public", host_route("two.test")));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  LoadGenerator one(site.listener(), to_host("one.test"), 2);
  LoadGenerator two(site.listener(), to_host("two.test"), 2);
  site.configure(public_listener() + named_app("a", "public", host_route("two.test") + kNew) +
                 named_app("b", "public", host_route("one.test") + kNew));
  CommandResult result = daemon.ctl({"reload"});
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  for (LoadGenerator* load : {&one, &two}) {
    LoadResult seen = load->stop();
    INFO(describe(seen));
    CHECK(seen.failed() == 0);
  }
  CHECK(served_by(site.listener(), "one.test") == "b");
  CHECK(served_by(site.listener(), "two.test") == "a");
  CHECK(test::texts(daemon.app("a")->problems).empty());
}

TEST_CASE("reload routes: a host stays with its app when the one that should take it over fails") {
  Site site;
  site.configure(public_listener() + named_app("a", "public", host_route("one.test")) +
                 named_app("b", "public", host_route("two.test")));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  site.configure(public_listener() + named_app("a", "public", host_route("other.test") + kNew) +
                 named_app("b", "public", host_route("one.test") + kNew + kQuick, "/nothing"));
  CommandResult result = daemon.ctl({"reload"});
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 8);
  CHECK(has(result.out, "a        later    keeps its routes, as b does not serve them yet"));
  CHECK(served_by(site.listener(), "one.test") == "a");
  CHECK(served_by(site.listener(), "other.test") == "a");
  CHECK(served_by(site.listener(), "two.test") == "b");
  CHECK(daemon.app("a")->differs == std::vector<std::string>{"route"});
}

TEST_CASE("reload routes: the default app of a listener changes") {
  Site site;
  auto with_default = [](const std::string& name) {
    return "[listen.public]\naddress = \"@LISTEN@\"\ndefault = \"" + name + "\"\n" +
           named_app("a", "public", host_route("a.test")) + named_app("b", "@LISTEN1@");
  };
  site.configure(with_default("a"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  CHECK(served_by(site.listener(), "unknown.test") == "a");
  site.configure(with_default("b"));
  CommandResult result = daemon.ctl({"reload"});
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(served_by(site.listener(), "unknown.test") == "b");
  CHECK(served_by(site.listener(), "a.test") == "a");
  CHECK(daemon.ctl({"reload"}).out == "done: nothing differs\n");
}

TEST_CASE("reload routes: a tcp app is renamed") {
  Site site;
  auto tcp = [](const std::string& name) { return named_app(name, "@LISTEN@", "proxy = \"tcp\"\n"); };
  site.configure(tcp("old"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("old", 1));
  CHECK(served_by(site.listener(), "any") == "old");
  site.configure(tcp("fresh"));
  CommandResult left = daemon.ctl({"reload"});
  INFO(describe(left) << daemon.log());
  CHECK(left.exit_code == 9);
  CHECK(has(left.err, site.listener().text() + " would be used by old and fresh"));
  CHECK(served_by(site.listener(), "any") == "old");
  CommandResult result = daemon.ctl({"reload", "--remove"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(wait_until([&] { return served_by(site.listener(), "any") == "fresh"; }));
}

TEST_CASE("reload routes: a deploy or a stop that comes between is not overruled") {
  Site site(56);
  std::string before;
  std::string after;
  // As many as are deployed at a time, so that the last ones wait for their turn until the guards are ended.
  const std::vector<std::string> guarded = {"a0", "a1", "a2", "a3"};
  for (const std::string& name : guarded) {
    before += guarded_app(name, "public", host_route(name + ".test"));
    after += guarded_app(name, "public", host_route(name + ".test") + kNew);
  }
  const std::string shared = public_listener(3);
  site.configure(shared + before + named_app("stopped", "@LISTEN@") + named_app("zz", "@LISTEN1@"));
  DaemonProcess daemon(site);
  for (const std::string& name : guarded) REQUIRE(daemon.wait_healthy(name, 1));
  REQUIRE(daemon.wait_healthy("stopped", 1));
  REQUIRE(daemon.wait_healthy("zz", 1));
  site.configure(shared + after + named_app("stopped", "@LISTEN@", kNew) +
                 named_app("zz", "@LISTEN2@", kNew));
  auto reload = daemon.ctl_beside({"reload"});
  for (const std::string& name : guarded) {
    REQUIRE(wait_until([&] { return has(daemon.log(), "cutover app=" + name); }));
  }
  REQUIRE(daemon.ctl({"stop", "--now", "stopped"}).exit_code == 0);
  REQUIRE(daemon.ctl({"deploy", "--no-wait", "zz"}).exit_code == 0);
  CHECK(daemon.ctl({"reload"}).exit_code == 5);
  for (const std::string& name : guarded) CHECK(daemon.ctl({"abort", name}).exit_code == 0);
  CommandResult result = reload->wait();
  INFO(describe(result) << daemon.log());
  CHECK(has(result.out, "stopped  stopped  by a command meanwhile: its next start takes it\n"));
  CHECK(daemon.app("stopped")->state == "stopped");
  CHECK(wait_until([&] { return served_by(site.listener(2), "any") == "zz"; }));
  CHECK(test::texts(daemon.app("zz")->problems).empty());
}

TEST_CASE("reload routes: a signal that comes during a reload is remembered") {
  Site site;
  auto settling = [](const std::string& seconds, const std::string& settle) {
    return "[app.job]\ncommand = \"/bin/sleep " + seconds + "\"\nendpoint = \"none\"\ndeploy.settle = \"" +
           settle + "\"\n";
  };
  site.configure(settling("1000", "10ms"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  site.configure(settling("1001", "300ms"));
  daemon.signal(SIGHUP);
  REQUIRE(wait_until([&] { return has(daemon.log(), "deploy-begin app=job generation=2"); }));
  site.configure(settling("1002", "10ms"));
  daemon.signal(SIGHUP);
  CHECK(wait_until([&] { return has(daemon.log(), "deploy-end app=job generation=3"); }));
  CHECK(test::texts(daemon.app("job")->problems).empty());
}

TEST_CASE("reload routes: an app whose start failed at boot is started, one that was stopped is not") {
  Site site;
  const std::filesystem::path program = site.directory() / "late.sh";
  const std::string late =
      "[app.late]\ncommand = \"@DIR@/late.sh\"\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n";
  site.configure(late);
  DaemonProcess daemon(site);
  REQUIRE(wait_until([&] { return daemon.app("late").has_value(); }));
  CHECK(test::texts(daemon.app("late")->problems).size() == 1);
  site.files().write("late.sh", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  CommandResult result = daemon.ctl({"reload"});
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "done: 1 started\n"));
  CHECK(daemon.wait_healthy("late", 1));
  CHECK(test::texts(daemon.app("late")->problems).empty());
}

TEST_CASE("reload routes: an unknown host stays with the default app until the new one serves, or for good") {
  Site site;
  auto with_default = [](const std::string& name, const std::string& apps) {
    return "[listen.public]\naddress = \"@LISTEN@\"\ndefault = \"" + name + "\"\n" +
           named_app("a", "public", host_route("a.test")) + apps;
  };
  site.configure(with_default("a", ""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  LoadGenerator load(site.listener(), to_host("unknown.test"), 2);
  site.configure(with_default("b", named_app("b", "@LISTEN1@", kQuick, "/nothing")));
  CommandResult failed = daemon.ctl({"reload"});
  INFO(describe(failed) << daemon.log());
  CHECK(failed.exit_code != 0);
  CHECK(served_by(site.listener(), "unknown.test") == "a");
  site.configure(with_default("c", named_app("c", "@LISTEN2@")));
  CommandResult result = daemon.ctl({"reload", "--remove"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  // b, which never served, had it as its default, too: the listener is one of several apps now.
  CHECK(has(result.out, "c, its new default, does not serve yet: reload again once it does"));
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(wait_until([&] { return served_by(site.listener(), "unknown.test") == "c"; }));
  LoadResult seen = load.stop();
  INFO(describe(seen));
  CHECK(seen.failed() == 0);
}

TEST_CASE("reload routes: a port that another program has is found before anything changes") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  base::UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const base::Address taken = site.listener(1);
  REQUIRE(::bind(other.get(), taken.get(), taken.length()) == 0);
  REQUIRE(::listen(other.get(), 1) == 0);
  site.configure(named_app("web", "@LISTEN@", "instances = 2\n") + named_app("fresh", "@LISTEN1@"));
  for (const char* way : {"--dry-run", "--remove"}) {
    CommandResult refused = daemon.ctl({"reload", way});
    INFO(describe(refused));
    CHECK(refused.exit_code == 9);
    CHECK(has(refused.err, "cannot listen on " + taken.text() + ": Address already in use"));
  }
  CHECK(daemon.app("web")->wanted == 1);
}
