// How the files differ from what runs: what status says of it, and what a start takes of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

using Texts = std::vector<std::string>;

// Page faults of the children that the daemon has waited for: every one of them, gv-exec among them, has some
// (proc(5), cminflt).
std::uint64_t faults_of_children(pid_t daemon) {
  std::ifstream file("/proc/" + std::to_string(daemon) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream fields(stat.substr(stat.rfind(") ") + 2));
  std::string skipped;
  for (int field = 3; field < 11; ++field) fields >> skipped;
  std::uint64_t faults = 0;
  REQUIRE(static_cast<bool>(fields >> faults));
  return faults;
}

}  // namespace

TEST_CASE("drift: status names what differs within one call after an edit, and forgets it with the edit") {
  Site site;
  const std::string before = public_listener(0) + named_app("web", "public");
  site.configure(before);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(test::texts(daemon.app("web")->problems).empty());
  CHECK(test::texts(daemon.status()->problems).empty());

  site.configure(public_listener(1) + named_app("web", "public", "environment.A = \"b\"\n") +
                 named_app("fresh", "@LISTEN2@"));
  CHECK(drift_of(daemon) == Texts{"gracevisor.toml changed: web differs (environment.A, "
                                  "listen.public.address), fresh is new: gvctl reload --dry-run"});
  CHECK(daemon.app("web")->differs == Texts{"environment.A", "listen.public.address"});
  CHECK(test::texts(daemon.app("web")->problems).empty());

  site.configure(public_listener(0) + "[app.web\n");
  auto status = daemon.status();
  REQUIRE(test::texts(status->problems).size() == 1);
  CHECK(has(test::texts(status->problems).front(), "gracevisor.toml cannot be put into force: "));
  CHECK(has(test::texts(status->problems).front(), "gracevisor.toml:"));

  site.configure(public_listener(0) + named_app("other", "public"));
  CHECK(drift_of(daemon) ==
        Texts{"gracevisor.toml changed: other is new, web is gone: gvctl reload --dry-run"});

  site.configure(before);
  CHECK(test::texts(daemon.app("web")->problems).empty());
  CHECK(test::texts(daemon.status()->problems).empty());
}

TEST_CASE("drift: limits are compared without being tried out") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "limits = { nice = 5 }\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(named_app("web", "@LISTEN@", "limits = { nice = 6 }\n"));
  const std::uint64_t before = faults_of_children(daemon.pid());
  CHECK(drift_of(daemon) == Texts{"gracevisor.toml changed: web differs (limits.nice): gvctl deploy web"});
  CHECK(faults_of_children(daemon.pid()) == before);
  CHECK(daemon.ctl({"reload", "--dry-run"}).exit_code == 0);
  CHECK(faults_of_children(daemon.pid()) > before);
}

TEST_CASE("drift: a deploy, a reload or a new daemon that takes the change ends it") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(named_app("web", "@LISTEN@", "environment.A = \"b\"\n"));
  CHECK(drift_of(daemon) == Texts{"gracevisor.toml changed: web differs (environment.A): gvctl deploy web"});
  REQUIRE(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(drift_of(daemon).empty());
  site.configure(named_app("web", "@LISTEN@", "environment.A = \"b\"\ninstances = 2\n"));
  CHECK(drift_of(daemon) == Texts{"gracevisor.toml changed: web differs (instances): gvctl deploy web"});
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(drift_of(daemon).empty());
  CHECK(daemon.terminate().exit_code == 0);
  DaemonProcess again(site);
  REQUIRE(again.wait_healthy("web", 2));
  CHECK(drift_of(again).empty());
}

TEST_CASE("start: a stopped app starts as the files now say, or as it was with --same") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  REQUIRE(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 1);  // nothing differs
  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  site.configure(named_app("web", "@LISTEN1@", "instances = 2\nenvironment.A = \"b\"\n"));
  REQUIRE(daemon.ctl({"start", "--same", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 1);
  CHECK(served_by(site.listener(0)) == "web");
  REQUIRE(daemon.ctl({"start", "web"}).exit_code == 0);  // it runs: nothing is read
  CHECK(daemon.app("web")->generation == 1);
  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  REQUIRE(daemon.ctl({"start", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 2);
  CHECK(daemon.wait_healthy("web", 2));
  CHECK(served_by(site.listener(1)) == "web");

  REQUIRE(daemon.ctl({"stop", "web"}).exit_code == 0);
  site.configure(named_app("web", "@LISTEN@", "instances = 0\n"));
  CommandResult bad = daemon.ctl({"start", "web"});
  CHECK(bad.exit_code == 2);
  CHECK(has(bad.err, "gvctl start --same web starts it as it was stopped"));
  CHECK(daemon.ctl({"start", "--same", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 2);
  // What it was started with is what a new daemon starts.
  CHECK(daemon.terminate().exit_code == 0);
  site.configure(named_app("web", "@LISTEN1@", "instances = 2\nenvironment.A = \"b\"\n"));
  DaemonProcess again(site);
  CHECK(again.wait_healthy("web", 2));
  CHECK(again.app("web")->generation == 2);
}

TEST_CASE("drift: a listener of several apps and keys of the daemon are told once") {
  Site site;
  const std::string apps =
      named_app("a", "public", "route = \"a.test\"\n") + named_app("b", "public", "route = \"b.test\"\n");
  site.configure(public_listener(0) + apps);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  site.configure_whole(site.daemon_table() + "shutdown_timeout = \"7s\"\n" + public_listener(1) + apps);
  CHECK(drift_of(daemon) == Texts{"gracevisor.toml changed: public " + site.listener(0).text() + " -> " +
                                  site.listener(1).text() +
                                  " (a, b), [daemon] differs (shutdown_timeout): gvctl reload --dry-run"});
  CHECK(test::texts(daemon.app("a")->problems).empty());
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(test::texts(daemon.status()->problems).empty());
}

TEST_CASE("drift: an environment file that changed is a difference, and one that cannot be read is named") {
  Site site;
  site.files().write("web.env", "A=1\n");
  site.configure(named_app("web", "@LISTEN@", "environment_file = \"web.env\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(test::texts(daemon.app("web")->problems).empty());
  site.files().write("web.env", "A=2\n");
  CHECK(drift_of(daemon) == Texts{"web.env changed: web differs (environment.A): gvctl deploy web"});
  std::filesystem::remove(site.directory() / "web.env");
  auto status = daemon.status();
  REQUIRE(test::texts(status->problems).size() == 1);
  CHECK(has(test::texts(status->problems).front(), "app.web.environment_file"));
}

TEST_CASE("drift: keys of the daemon that a reload has taken are none, and what was missing may come") {
  Site site;
  const std::string plain = named_app("web", "@LISTEN@");
  site.configure(plain);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure_whole(site.daemon_table() + "shutdown_timeout = \"7s\"\n" + plain);
  CHECK(test::texts(daemon.status()->problems).size() == 1);
  REQUIRE(daemon.ctl({"reload"}).exit_code == 0);
  CHECK(test::texts(daemon.status()->problems).empty());
  site.configure_whole(site.daemon_table() + "shutdown_timeout = \"7s\"\n" +
                       named_app("web", "@LISTEN@", "environment_file = \"web.env\"\n"));
  CHECK(test::texts(daemon.status()->problems).size() == 1);
  site.files().write("web.env", "");
  CHECK(wait_until([&] { return test::texts(daemon.status()->problems).empty(); }));
}

TEST_CASE("drift: an app that ran before the daemon's start and is in no file is told until it is removed") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + named_app("old", "@LISTEN1@"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("old", 1));
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::string remark =
      "old (gracevisor.toml) ran before the daemon's start, and no file has it any more: put it back and "
      "reload, or gvctl "
      "reload --remove";
  auto problems = test::texts(daemon.status()->problems);
  CHECK(std::ranges::count(problems, remark) == 1);
  CHECK(daemon.ctl({"reload"}).exit_code == 0);
  problems = test::texts(daemon.status()->problems);
  CHECK(std::ranges::count(problems, remark) == 1);
  CHECK(has(daemon.ctl({"reload", "--dry-run", "--remove"}).out,
            "old      remove   ran before the daemon's start, and no file has it\n"));
  CHECK(std::ranges::count(test::texts(daemon.status()->problems), remark) == 1);
  CHECK(daemon.ctl({"reload", "--remove", "nothing"}).exit_code == 4);
  const CommandResult removed = daemon.ctl({"reload", "--remove", "old"});
  INFO(describe(removed));
  CHECK(removed.exit_code == 0);
  CHECK(has(removed.out, "done: 1 forgotten\n"));
  CHECK(test::texts(daemon.status()->problems).empty());
  // The next daemon does not know it either, but counts its generations on.
  CHECK(daemon.terminate().exit_code == 0);
  DaemonProcess again(site);
  REQUIRE(again.wait_healthy("web", 1));
  CHECK(test::texts(again.status()->problems).empty());
  site.configure(named_app("web", "@LISTEN@") + named_app("old", "@LISTEN1@"));
  CHECK(again.ctl({"reload"}).exit_code == 0);
  CHECK(again.app("old")->generation == 2);
}

TEST_CASE("drift: a start, a stop and a deploy say what they do not take from the files") {
  Site site;
  const auto apps = [](const std::string& web, const std::string& api) {
    return named_app("web", "@LISTEN@", web) + named_app("api", "@LISTEN1@", api);
  };
  const std::string change = "environment.A = \"b\"\n";
  site.configure(apps("", ""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("api", 1));
  const auto told = [&](const std::vector<std::string>& words) {
    const CommandResult result = daemon.ctl(words);
    INFO(describe(result) << daemon.log());
    CHECK(result.exit_code == 0);
    std::smatch found;
    const std::regex line("  drift    gracevisor.toml changed [0-9]+ s ago: ([^\n]*)\n");
    return std::regex_search(result.out, found, line) ? found[1].str() : std::string();
  };
  CHECK(told({"start", "web"}) == "");
  CHECK(told({"deploy", "web"}) == "");

  site.configure(apps(change, ""));
  CHECK(told({"start", "web"}) == "web differs (environment.A): gvctl deploy web");
  CHECK(told({"stop", "web"}) == "web differs (environment.A): gvctl deploy web");
  CHECK(told({"start", "api"}) == "web differs (environment.A): gvctl deploy web");
  CHECK(told({"start", "web"}) == "");  // stopped, and so started as the files say

  site.configure(apps("", change));
  CHECK(told({"deploy", "web"}) == "api differs (environment.A): gvctl deploy api");
  CHECK(told({"deploy", "web", "api"}) == "");
  site.configure(apps("", "") + named_app("fresh", "@LISTEN2@"));
  CHECK(told({"deploy", "web", "api"}) == "fresh is new: gvctl reload --dry-run");
  const CommandResult stopped = daemon.ctl({"stop", "web", "api"});
  INFO(describe(stopped));
  CHECK(has(stopped.out, "fresh is new"));
  CHECK(stopped.out.find("fresh is new") == stopped.out.rfind("fresh is new"));  // once
}

TEST_CASE("drift: it names the file that has the app, not the one that includes it") {
  Site site;
  std::filesystem::create_directory(site.directory() / "conf.d");
  const auto write = [&](const std::string& name, const std::string& text) {
    (void)site.files().write("conf.d/" + name, site.expand(text), 0644);
  };
  write("web.toml", named_app("web", "@LISTEN@"));
  write("api.toml", named_app("api", "@LISTEN1@"));
  site.configure_whole("include = [\"conf.d/*.toml\"]\n" + site.daemon_table());
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("api", 1));
  write("web.toml", named_app("web", "@LISTEN@", "instances = 2\n"));
  CHECK(drift_of(daemon) == Texts{"conf.d/web.toml changed: web differs (instances): gvctl deploy web"});
  write("web.toml", named_app("web", "@LISTEN@"));
  CHECK(drift_of(daemon).empty());
  std::filesystem::remove(site.directory() / "conf.d" / "api.toml");
  CHECK(drift_of(daemon) == Texts{"conf.d/api.toml is no longer there: api is gone: gvctl reload --dry-run"});
}
