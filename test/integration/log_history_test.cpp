// gvctl logs beyond what the daemon has in memory: over its restarts and over rotations, from several apps,
// by time, text and stream.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::seconds;

namespace {

std::string out(const DaemonProcess& daemon, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"logs"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const CommandResult result = daemon.ctl(words);
  CHECK_MESSAGE(result.exit_code == 0, describe(result));
  return result.out;
}

}  // namespace

TEST_CASE("logs: what was written before a restart of the daemon is shown, without instance and time") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", "first\n");
    REQUIRE(shows(daemon, "web", "web@1.1  first\n"));
  }
  apps.forget("web");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "@1.1  begins"));
  CHECK(out(daemon, {"web"}) == "web  begins\nweb  first\nweb@1.1  begins\n");
  CHECK(out(daemon, {"-n", "2", "web"}) == "web  first\nweb@1.1  begins\n");
  CHECK(out(daemon, {"-n", "1", "-t", "web"}).starts_with("web@1.1  20"));
  // Of what is left out, what is also in memory does not count.
  const CommandResult instance = daemon.ctl({"logs", "web@1.1"});
  CHECK(instance.out == "begins\n");
  CHECK(has(instance.err,
            "left out: 2 lines of " + apps.log("web").string() + " without an instance; app.web.log.format"));
  CHECK(out(daemon, {"--json", "web"})
            .starts_with(R"({"instance":"","stream":"","time":"","line":"begins","app":"web"})"));
}

TEST_CASE("logs: lines beyond memory are read back over rotations, each once") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "max_size = \"200KiB\"\nkeep = 20\n"));
  DaemonProcess daemon(apps.site);
  constexpr int kAll = 12000;  // 1.1 MB: memory has 256 KiB
  apps.say("web", numbered(0, kAll));
  REQUIRE(wait_until(
      [&] { return has(daemon.ctl({"logs", "-n", "1", "web"}).out, fmt::format("line {:05}", kAll - 1)); },
      seconds(30)));
  REQUIRE(std::filesystem::exists(apps.log("web").string() + ".3"));
  std::istringstream lines(out(daemon, {"-n", "11000", "web"}));
  int next = kAll - 11000;
  bool right = true;
  for (std::string line; std::getline(lines, line); ++next) {
    right = right && has(line, fmt::format("line {:05}", next));
  }
  CHECK(right);
  CHECK(next == kAll);
  // A text that only an old file has.
  CHECK(count(out(daemon, {"--grep", "line 00007 ", "web"}), "\n") == 1);
  const CommandResult none = daemon.ctl({"logs", "--grep", "line 0000[0-9]", "web"});
  CHECK(none.exit_code == 0);
  CHECK(none.out.empty());
  CHECK(has(none.err, "no line is what was asked for"));
}

TEST_CASE("logs: a rotation from outside that copies and truncates doubles no line") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  DaemonProcess daemon(apps.site);
  apps.say("web", numbered(0, 100));
  REQUIRE(shows(daemon, "web", "line 00099"));
  REQUIRE(wait_until([&] { return has(content_of(apps.log("web")), "line 00099"); }));
  std::filesystem::copy_file(apps.log("web"), apps.log("web").string() + ".1");
  std::filesystem::resize_file(apps.log("web"), 0);
  apps.say("web", numbered(100, 200));
  REQUIRE(shows(daemon, "web", "line 00199"));
  const std::string all = out(daemon, {"-n", "1000", "web"});
  CHECK(count(all, "\n") == 201);
  CHECK(count(all, "line 00050") == 1);
  CHECK(count(all, "line 00150") == 1);
}

TEST_CASE("logs: without a name all apps are shown, in the order of time, and patterns pick some") {
  const EchoSite apps({"web", "api", "worker"});
  apps.site.configure(echo("web") + echo("api") + echo("worker"));
  DaemonProcess daemon(apps.site);
  for (const char* name : {"web", "api", "worker"}) REQUIRE(shows(daemon, name, "begins"));
  for (const char* name : {"web", "worker", "api"}) {
    apps.say(name, std::string("I am ") + name + "\n");
    REQUIRE(shows(daemon, name, "I am"));
  }
  const std::string expected = "web@1.1  I am web\nworker@1.1  I am worker\napi@1.1  I am api\n";
  CHECK(out(daemon, {"-n", "1"}) == expected);
  CHECK(out(daemon, {"-n", "1", "all"}) == expected);
  CHECK(out(daemon, {"-n", "1", "w*"}) == "web@1.1  I am web\nworker@1.1  I am worker\n");
  CHECK(out(daemon, {"-n", "1", "api", "web@1.1"}) == "web@1.1  I am web\napi@1.1  I am api\n");
  for (const char* unknown : {"nope", "web@7", "web@1.9"}) {
    CHECK(daemon.ctl({"logs", unknown}).exit_code == 4);
    CHECK(daemon.ctl({"logs", "api", unknown}).exit_code == 4);
  }
  CHECK(daemon.ctl({"logs", "x*"}).exit_code == 4);
}

TEST_CASE("logs: nothing written yet is said, with the place") {
  Site site;
  site.configure("[app.quiet]\ncommand = \"/bin/sleep 1000\"\nendpoint = \"none\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_state("quiet", "live"));
  const CommandResult quiet = daemon.ctl({"logs", "quiet"});
  INFO(describe(quiet));
  CHECK(quiet.exit_code == 0);
  CHECK(quiet.out.empty());
  CHECK(
      has(quiet.err, "nothing written yet: quiet to " + (site.directory() / "state/log/quiet.log").string()));
}

TEST_CASE("logs: records say when and by whom, also after a restart, and the format changes without one") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web"));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", "as plain\n");
    REQUIRE(shows(daemon, "web", "as plain"));
    const auto pids = daemon.pids("web");
    apps.site.configure(echo("web", "format = \"prefixed\"\n"));
    REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
    apps.say("web", "!as prefixed\n");
    REQUIRE(shows(daemon, "web", "as prefixed"));
    apps.site.configure(echo("web", "format = \"json\"\n"));
    REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
    apps.say("web", "as \"json\"\n");
    REQUIRE(shows(daemon, "web", "as \"json\""));
    CHECK(daemon.pids("web") == pids);
  }
  const std::string file = content_of(apps.log("web"));
  INFO(file);
  CHECK(has(file, "begins\nas plain\n20"));
  CHECK(has(file, "Z web@1.1 err| as prefixed\n{\"time\":\"20"));
  CHECK(has(file, R"(Z","app":"web","instance":"1.1","stream":"out","line":"as \"json\""})"));
  apps.forget("web");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "as \"json\"\nweb@1.1  begins"));
  CHECK(out(daemon, {"web"}) ==
        "web  begins\nweb  as plain\nweb@1.1  as prefixed\nweb@1.1  as \"json\"\nweb@1.1  begins\n");
  CHECK(out(daemon, {"--stderr", "web"}) == "web@1.1  as prefixed\n");
  const CommandResult recent = daemon.ctl({"logs", "--since", "1h", "web"});
  CHECK(recent.out == "web@1.1  as prefixed\nweb@1.1  as \"json\"\nweb@1.1  begins\n");
  // "begins" is in memory as well.
  CHECK(has(recent.err, "left out: 1 line of " + apps.log("web").string() + " without a time"));
  CHECK(out(daemon, {"--until", "1h", "web"}).empty());
  CHECK(out(daemon, {"--since", "2020-01-01", "--grep", "json", "web"}) == "web@1.1  as \"json\"\n");
}

TEST_CASE("logs: lines longer than what is shown, and unfinished ones, take nothing with them") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "format = \"prefixed\"\n"));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", std::string(100'000, 'A') + "\nnext line\nthird line\nunfinished");
    REQUIRE(shows(daemon, "web", "third line"));
    // It waits for no more than 2 s.
    REQUIRE(shows(daemon, "web", "unfinished"));
    CHECK(count(out(daemon, {"web"}), "\n") == 5);
  }
  CHECK(has(content_of(apps.log("web")), "web@1.1 out"));
  apps.forget("web");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "web@1.1  unfinished\nweb@1.1  begins\n"));
  const std::string all = out(daemon, {"web"});
  CHECK(has(all, "A [cut here, whole in the log file]\nweb@1.1  next line\nweb@1.1  third line\n"));
  CHECK(count(all, "\n") == 6);
}

TEST_CASE("logs: the unfinished last line of a process is no part of the next one's first") {
  Site site;
  const auto configure = [&site](const char* command) {
    site.configure(
        fmt::format("[app.web]\ncommand = [\"/bin/sh\", \"-c\", \"{}\"]\nendpoint = \"none\"\n"
                    "[app.web.log]\nformat = \"prefixed\"\n",
                    command));
  };
  configure("echo begins; printf panic; exit 1");
  {
    DaemonProcess daemon(site);
    REQUIRE(shows(daemon, "web", "panic\nweb@1.1  begins\n"));
  }
  configure("exec sleep 1000");
  DaemonProcess daemon(site);
  CHECK(has(out(daemon, {"web"}), "panic\nweb@1.1  begins\n"));
}

TEST_CASE("logs: an instance that only records of an earlier daemon name is found, and another is unknown") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "format = \"prefixed\"\n"));
  {
    DaemonProcess daemon(apps.site);
    REQUIRE(daemon.ctl({"deploy", "web"}).exit_code == 0);
    apps.say("web", "by the second\n");
    REQUIRE(shows(daemon, "web", "web@2.1  by the second"));
    std::ofstream(apps.log("web"), std::ios::app) << "2026-11-29T10:00:00.000Z web@77.1 out| long ago\n";
  }
  DaemonProcess daemon(apps.site);
  CHECK(out(daemon, {"web@77"}) == "web@77.1  long ago\n");
  CHECK(out(daemon, {"web@77.1"}) == "long ago\n");
  const CommandResult unknown = daemon.ctl({"logs", "web@78"});
  CHECK(unknown.exit_code == 4);
  CHECK(has(unknown.err, "there is no generation 78 of web: the newest is 2"));
}

TEST_CASE("logs: standard error in a file of its own is shown by itself, also after a restart") {
  const EchoSite apps({"web"});
  apps.site.configure(echo("web", "stderr = \"@DIR@/web.err\"\n"));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", "fine\n!not fine\n");
    REQUIRE(shows(daemon, "web", "not fine"));
    REQUIRE(shows(daemon, "web", "  fine"));
    CHECK(out(daemon, {"--stderr", "web"}) == "web@1.1  not fine\n");
    // So many of both together.
    CHECK(count(out(daemon, {"-n", "2", "web"}), "\n") == 2);
  }
  apps.forget("web");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "@1.1  begins"));
  CHECK(out(daemon, {"--stderr", "web"}) == "web  not fine\n");
}

TEST_CASE("logs: --daemon shows the daemon's own log, from its file over a restart and from memory") {
  Site site;
  const std::string app = "[app.quiet]\ncommand = \"/bin/sleep 1000\"\nendpoint = \"none\"\n";
  site.configure_whole(site.daemon_table() + "log = { file = \"@DIR@/d.log\" }\n" + app);
  {
    DaemonProcess daemon(site);
  }
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_state("quiet", "live"));
    const std::string log = out(daemon, {"--daemon", "-n", "1000"});
    CHECK(count(log, "ready version=") == 2);
    CHECK(count(log, "shutdown stage=over") == 1);
    CHECK(count(out(daemon, {"--daemon", "--grep", "ready version=", "--since", "1h"}), "\n") == 2);
    auto follow = daemon.ctl_beside({"logs", "--daemon", "-f", "-n", "0"});
    CHECK(wait_until([&] {
      (void)daemon.ctl({"restart", "quiet"});
      return has(follow->out(), "app=quiet");
    }));
  }
  site.configure(app);
  DaemonProcess daemon(site);
  CHECK(count(out(daemon, {"--daemon", "-n", "1000"}), "ready version=") == 1);
}

TEST_CASE("logs: --access shows the access log of an app, and one that apps share once") {
  Site site;
  const std::string app =
      "[app.{0}]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN{1}@\"\n[app.{0}.log]\naccess = "
      "\"@DIR@/access.log\"\n";
  site.configure(fmt::format(fmt::runtime(app), "web", "") + fmt::format(fmt::runtime(app), "api", "1") +
                 "[app.none]\ncommand = \"/bin/sleep 1000\"\nendpoint = \"none\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto ask = [&](const std::string& path) {
    return run_command({"curl", "-s", "-o", "/dev/null", "http://" + site.listener().text() + path})
        .exit_code;
  };
  REQUIRE(ask("/one") == 0);
  REQUIRE(ask("/two") == 0);
  CHECK(wait_until([&] { return has(daemon.ctl({"logs", "--access"}).out, "/two"); }));
  const std::string all = out(daemon, {"--access"});
  CHECK(count(all, "web+api  {") == count(all, "\n"));
  CHECK(count(all, "/one") == 1);
  CHECK(has(out(daemon, {"--access", "--grep", "/one", "--since", "10m", "web"}), "web  {"));
  CHECK(out(daemon, {"--access", "--until", "1h", "web"}).empty());
  // The file is shared, and its lines say whose they are.
  const CommandResult api = daemon.ctl({"logs", "--access", "api"});
  CHECK(api.out.empty());
  CHECK(api.err == "gvctl: no line is what was asked for\n");
  CHECK(daemon.ctl({"logs", "--access", "web"}).err.empty());
  std::ofstream(site.directory() / "access.log", std::ios::app)
      << "127.0.0.1 - - [29/Nov/2026:10:00:00 +0000] \"GET /three HTTP/1.1\" 200 2 \"-\" \"-\"\n";
  const CommandResult combined = daemon.ctl({"logs", "--access", "api"});
  CHECK(has(combined.out, "api  127.0.0.1"));
  CHECK(count(combined.out, "\n") == 1);
  CHECK(combined.err ==
        "gvctl: " + (site.directory() / "access.log").string() +
            " is shared: it holds lines of api and web, and 1 line of these does not say whose\n");
  CHECK(daemon.ctl({"logs", "--access", "api", "web"}).err.empty());
  const CommandResult none = daemon.ctl({"logs", "--access", "none"});
  CHECK(none.exit_code == 1);
  CHECK(has(none.err, "none has no access log in a file"));
  CHECK(daemon.ctl({"logs", "--access", "nope"}).exit_code == 4);
}

TEST_CASE(
    "logs: a member of the operator group reads history that it may not open, and others read nothing") {
  if (::geteuid() != 0) return skip("only root can be another user");
  const EchoSite apps({"web"});
  REQUIRE(::chmod(apps.site.directory().c_str(), 0755) == 0);
  apps.site.configure_whole(apps.site.daemon_table() + "operator_group = \"users\"\n" + echo("web"));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", "first\n");
    REQUIRE(shows(daemon, "web", "first"));
  }
  REQUIRE(::chmod(apps.log("web").c_str(), 0600) == 0);
  apps.forget("web");
  const auto gvctl = apps.site.directory() / "gvctl";  // the build's folder may be root's alone
  std::filesystem::copy_file(GV_CTL, gvctl);
  DaemonProcess daemon(apps.site);
  const auto as = [&](const std::string& groups) {
    return run_command({"setpriv", "--reuid=65534", "--regid=65534", groups, gvctl.string(), "--socket",
                        apps.site.socket().string(), "logs", "web"});
  };
  const CommandResult member = as("--groups=100");
  INFO(describe(member));
  CHECK(member.exit_code == 0);
  CHECK(has(member.out, "web  first\n"));
  CHECK(as("--clear-groups").exit_code == 7);
}

TEST_CASE("logs: a file in a folder of the app's user is read with that user's rights, and links are not") {
  if (::geteuid() != 0) return skip("only root can run apps as another user");
  const EchoSite apps({"web"});
  REQUIRE(::chmod(apps.site.directory().c_str(), 0755) == 0);
  const auto folder = apps.site.directory() / "theirs";
  std::filesystem::create_directory(folder);
  REQUIRE(::chown(folder.c_str(), 65534, 65534) == 0);
  apps.site.configure(echo("web", "stdout = \"@DIR@/theirs/web.log\"\n", "user = \"nobody\""));
  {
    DaemonProcess daemon(apps.site);
    apps.say("web", "first\n");
    REQUIRE(shows(daemon, "web", "first"));
    REQUIRE(wait_until([&] { return has(content_of(folder / "web.log"), "first"); }));
  }
  const auto secret = apps.site.files().write("secret", "root's secret\n");
  REQUIRE(::chmod(secret.c_str(), 0600) == 0);
  std::filesystem::create_symlink(secret, folder / "web.log.1");
  apps.forget("web");
  DaemonProcess daemon(apps.site);
  REQUIRE(shows(daemon, "web", "@1.1  begins"));
  const CommandResult logs = daemon.ctl({"logs", "web"});
  INFO(describe(logs));
  CHECK(logs.exit_code == 0);
  CHECK(has(logs.out, "web  first\n"));
  CHECK_FALSE(has(logs.out, "secret"));
  CHECK(has(logs.err, "web.log.1"));
}
