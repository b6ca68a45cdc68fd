// What operators do to apps that run: kill, signal, scale, and the deploy of several apps.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string named(const DaemonProcess& daemon, const std::string& app, std::size_t index) {
  const auto status = daemon.app(app);
  REQUIRE(status.has_value());
  REQUIRE(status->instances.size() > index);
  return app + "@" + status->instances[index].name;
}

CommandResult scale(const DaemonProcess& daemon, const std::string& to) {
  CommandResult result = daemon.ctl({"scale", "web", to});
  INFO(describe(result));
  return result;
}

}  // namespace

TEST_CASE("kill: an app is gone at once and stays stopped over a restart of the daemon") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --ignore-term\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\ninstances "
      "= 2\n");
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    const CommandResult kill = daemon.ctl({"kill", "web"});
    INFO(describe(kill) << daemon.log());
    CHECK(kill.exit_code == 0);
    CHECK(has(kill.out, "stays stopped: gvctl start web"));
    CHECK(kill.took < std::chrono::seconds(5));
    CHECK(daemon.children() == 0);
    CHECK(daemon.app("web")->stopped_uid == std::uint64_t{::geteuid()});
    CHECK(daemon.terminate().exit_code == 0);
  }
  DaemonProcess daemon(site);
  CHECK(daemon.wait_state("web", "stopped"));
  CHECK(daemon.children() == 0);
  CHECK(daemon.ctl({"kill", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(daemon.wait_healthy("web", 2));
  CHECK(daemon.ctl({"kill", "web"}).exit_code == 0);
}

TEST_CASE("kill: under load an instance is replaced and only the requests with it suffer") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "instances = 2\nrestart.backoff = \"50ms\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  const auto before = daemon.pids("web");
  constexpr unsigned kClients = 4;
  LoadGenerator load(site.listener(), Request{}, kClients);
  REQUIRE(wait_until([&] { return load.so_far().ok > 100; }));
  const CommandResult kill = daemon.ctl({"kill", named(daemon, "web", 0)});
  INFO(describe(kill) << daemon.log());
  CHECK(kill.exit_code == 0);
  CHECK(has(kill.out, "started again"));
  CHECK(wait_until([&] {
    const auto now = daemon.pids("web");
    return now.size() == 2 && std::ranges::find(now, before[0]) == now.end() &&
           std::ranges::find(now, before[1]) != now.end();
  }));
  const auto ok = load.so_far().ok;
  CHECK(wait_until([&] { return load.so_far().ok > ok + 100; }));
  const LoadResult result = load.stop();
  INFO(describe(result));
  CHECK(result.failed() <= kClients);
  CHECK(daemon.app("web")->generation == 1);
  const CommandResult none = daemon.ctl({"kill", "web@1.7"});
  CHECK(none.exit_code == 4);
  CHECK(has(none.err, "there is no web@1.7"));
  CHECK(daemon.ctl({"kill", "web@9"}).exit_code == 4);
  CHECK(daemon.ctl({"kill", "nothing"}).exit_code == 4);
}

TEST_CASE("kill: the new generation's instance fails its deploy, and the old one serves on") {
  Site site;
  site.configure(guarded_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(guarded_app("web", "@LISTEN@", "environment.A = \"b\"\ndeploy.timeout = \"10m\"\n"));
  LoadGenerator load(site.listener(), Request{});
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return has(deploy->out(), "cutover "); }));
  const CommandResult kill = daemon.ctl({"kill", "web@2.1"});
  INFO(describe(kill) << daemon.log());
  CHECK(kill.exit_code == 0);
  const CommandResult ended = deploy->wait();
  INFO(describe(ended));
  CHECK(ended.exit_code == 13);
  CHECK(daemon.wait_healthy("web", 1));
  CHECK(daemon.app("web")->generation == 1);
  CHECK(load.stop().failed() <= 4);
}

TEST_CASE(
    "signal: it reaches the main process, with --group every process, and one that suspends is refused") {
  Site site;
  (void)site.files().write("app.sh",
                           "#!/bin/sh\n"
                           "(trap 'echo child HUP' HUP; trap 'exit 0' TERM; while :; do sleep 0.02; done) &\n"
                           "trap 'echo main HUP' HUP\n"
                           "trap 'exit 0' TERM\n"
                           "echo ready\n"
                           "while :; do sleep 0.02; done\n",
                           0755);
  site.configure("[app.web]\ncommand = \"@DIR@/app.sh\"\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto wrote = [&](const std::string& line) { return has(daemon.ctl({"logs", "web"}).out, line); };
  REQUIRE(wait_until([&] { return wrote("ready"); }));
  const CommandResult main = daemon.ctl({"signal", "HUP", "web"});
  INFO(describe(main) << daemon.log());
  CHECK(main.exit_code == 0);
  CHECK(has(main.out, "sent to web@1.1"));
  CHECK(wait_until([&] { return wrote("main HUP"); }));
  CHECK_FALSE(wrote("child HUP"));
  CHECK(daemon.ctl({"signal", "--group", "sighup", "web@1.1"}).exit_code == 0);
  CHECK(wait_until([&] { return wrote("child HUP"); }));

  const auto pids = daemon.pids("web");
  const CommandResult stop = daemon.ctl({"signal", "STOP", "web"});
  CHECK(stop.exit_code == 2);
  CHECK(has(stop.err, "--force"));
  for (const char* wrong : {"0", "65", "-1", "NONSENSE", "HUP\x1b[31m", "99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK(daemon.ctl({"signal", "--", wrong, "web"}).exit_code == 2);
  }
  CHECK(daemon.ctl({"signal", "--force", "STOP", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"signal", "CONT", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"signal", "HUP", "web@7"}).exit_code == 4);
  CHECK(daemon.pids("web") == pids);
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"signal", "HUP", "web"}).exit_code == 1);
}

TEST_CASE("scale: up and down under load no request fails, and a deploy and a restart keep the number") {
  Site site;
  const auto configure = [&](const std::string& instances, const std::string& more = "") {
    site.configure(named_app("web", "@LISTEN@", "instances = " + instances + "\n" + more));
  };
  configure("2");
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 2));
    LoadGenerator load(site.listener(), Request{});
    CHECK(scale(daemon, "+2").exit_code == 0);
    CHECK(daemon.app("web")->healthy == 4);
    CHECK(scale(daemon, "-3").exit_code == 0);
    CHECK(daemon.app("web")->instances.size() == 1);
    CHECK(scale(daemon, "3").exit_code == 0);
    CHECK(daemon.app("web")->healthy == 3);
    CHECK(daemon.app("web")->generation == 1);
    // The command changed it, no file.
    CHECK(daemon.app("web")->problems.empty());
    CHECK(has(daemon.ctl({"reload"}).out, "nothing differs"));
    CHECK(daemon.app("web")->wanted == 3);

    configure("2", "environment.A = \"b\"\n");
    const CommandResult deploy = daemon.ctl({"deploy", "web"});
    INFO(describe(deploy) << daemon.log());
    CHECK(deploy.exit_code == 0);
    CHECK(daemon.app("web")->generation == 2);
    CHECK(daemon.app("web")->healthy == 3);
    const LoadResult result = load.stop();
    INFO(describe(result));
    CHECK(result.failed() == 0);
    CHECK(daemon.terminate().exit_code == 0);
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 3));
  CHECK(daemon.app("web")->problems.empty());
  CHECK(scale(daemon, "0").exit_code == 2);
  CHECK(scale(daemon, "-3").exit_code == 2);
  CHECK(scale(daemon, "999999").exit_code == 2);
  CHECK(has(scale(daemon, "-3").err, "gvctl stop web"));
  CHECK(daemon.app("web")->healthy == 3);

  // As the files say, until then or from now on.
  CHECK(scale(daemon, "file").exit_code == 0);
  CHECK(daemon.app("web")->wanted == 2);
  CHECK(scale(daemon, "4").exit_code == 0);
  configure("1", "environment.A = \"b\"\n");
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(wait_until([&] { return daemon.app("web")->instances.size() == 1; }));
  CHECK(has(scale(daemon, "file").out, "as the files say"));
  CHECK(daemon.app("web")->wanted == 1);
}

TEST_CASE("scale: a stopped app has its number when it is started") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  const CommandResult result = scale(daemon, "3");
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "web@1 is stopped") == false);
  CHECK(has(result.out, "web is stopped: it will have 3 instances"));
  CHECK(daemon.children() == 0);
  CHECK(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->healthy == 3);
  CHECK(daemon.app("web")->generation == 1);
}

TEST_CASE("scale: more than there are ports for is refused beforehand, as in a reload and a deploy") {
  Site site(3);
  const auto configure = [&](const std::string& instances, const std::string& more = "") {
    site.configure(named_app("web", "@LISTEN@", "instances = " + instances + "\n" + more));
  };
  configure("1");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto before = daemon.pids("web");
  const CommandResult result = scale(daemon, "4");
  CHECK(result.exit_code == 9);
  CHECK(has(result.err, "daemon.port_range"));
  CHECK(has(result.err, "nothing was changed"));
  CHECK(scale(daemon, "3").exit_code == 0);
  // By the files there would be enough.
  site.configure(named_app("web", "@LISTEN@") + named_app("more", "@LISTEN1@"));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"reload"},
                                                {"reload", "--dry-run"},
                                                {"deploy", "more"},
                                                {"deploy", "--dry-run", "web", "more"}}) {
    CAPTURE(words.front());
    const CommandResult refused = daemon.ctl(words);
    INFO(describe(refused));
    CHECK(refused.exit_code == 9);
    CHECK(has(refused.err, "daemon.port_range"));
  }
  CHECK_FALSE(daemon.app("more").has_value());
  CHECK(daemon.app("web")->healthy == 3);
  CHECK(daemon.app("web")->generation == 1);
  CHECK(daemon.pids("web").front() == before.front());
  CHECK(scale(daemon, "2").exit_code == 0);
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(daemon.wait_healthy("more", 1));
}

TEST_CASE("deploy: --until cutover returns there, and the guard goes on") {
  Site site;
  site.configure(guarded_app("web", "@LISTEN@") + guarded_app("api", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("api", 1));
  const CommandResult one = daemon.ctl({"deploy", "--until", "cutover", "web"});
  INFO(describe(one) << daemon.log());
  CHECK(one.exit_code == 0);
  CHECK(daemon.app("web")->generation == 2);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 5);
  CHECK(daemon.ctl({"abort", "web"}).exit_code == 0);
  CHECK(daemon.wait_state("web", "live"));
  const CommandResult both = daemon.ctl({"deploy", "--until", "cutover", "web", "api"});
  INFO(describe(both) << daemon.log());
  CHECK(both.exit_code == 0);
  CHECK(daemon.app("web")->generation == 3);
  CHECK(daemon.app("api")->generation == 2);
  CHECK(daemon.ctl({"abort", "web", "api"}).exit_code == 0);
}

TEST_CASE("deploy: of three apps one fails, and the others stand") {
  Site site;
  const auto failing = [](const std::string& command) {
    return "[app.bad]\ncommand = \"" + command + "\"\nlisten = \"@LISTEN1@\"\nhealth = \"/health\"\n";
  };
  const std::string others = named_app("a", "@LISTEN@") + named_app("c", "@LISTEN2@");
  site.configure(others + failing("@DEMO@"));
  DaemonProcess daemon(site);
  for (const char* app : {"a", "bad", "c"}) REQUIRE(daemon.wait_healthy(app, 1));
  site.configure(others + failing("/bin/false"));
  const auto before = daemon.pids("bad");

  const CommandResult rehearsed = daemon.ctl({"deploy", "--dry-run", "a", "bad", "c"});
  INFO(describe(rehearsed));
  CHECK(rehearsed.exit_code == 0);
  CHECK(has(rehearsed.out, "deploy   as it is"));
  CHECK(has(rehearsed.out, "nothing was changed"));
  CHECK(daemon.ctl({"deploy", "--dry-run", "a"}).exit_code == 0);
  for (const char* app : {"a", "bad", "c"}) CHECK(daemon.app(app)->generation == 1);

  const CommandResult deploy = daemon.ctl({"deploy", "a", "bad", "c"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 8);
  CHECK(daemon.app("a")->generation == 2);
  CHECK(daemon.app("c")->generation == 2);
  CHECK(daemon.app("bad")->generation == 1);
  CHECK(daemon.pids("bad") == before);
  CHECK(served_by(site.listener()) == "a");
  CHECK(daemon.ctl({"deploy", "a", "nothing"}).exit_code == 4);
  CHECK(daemon.app("a")->generation == 2);
}
