// gvctl show and gvctl check: what an app runs with, and what the daemon thinks of its files.
#include <doctest/doctest.h>

#include <filesystem>
#include <regex>

#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string shown(const DaemonProcess& daemon, std::vector<std::string> words = {"show", "web"}) {
  const CommandResult result = daemon.ctl(words);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  return std::regex_replace(result.out, std::regex(" +# "), "  # ");  // comments stand in a column
}

}  // namespace

TEST_CASE("show: the settings in force, with the places of the files, the defaults and what is frozen") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "environment.SECRET = \"first\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::string file = site.config().string();
  std::string text = shown(daemon);
  INFO(text);
  CHECK(text.starts_with("# web@1\n\n[app.web]\ncommand = ["));
  CHECK(has(text, "environment = { SECRET = \"***\" }  # " + file + ":"));
  CHECK(has(text, "interval = \"50ms\"  # " + file + ":"));
  CHECK_FALSE(has(text, "hold = "));
  CHECK_FALSE(has(text, "frozen"));
  CHECK(has(shown(daemon, {"show", "--all", "web"}), "hold = \"10s\"  # default\n"));

  site.configure(named_app("web", "@LISTEN@", "environment.SECRET = \"second\"\nstop.signal = \"INT\"\n"));
  const std::string other = shown(daemon);
  INFO(other);
  CHECK(has(other, " ago: web differs (environment.SECRET, stop"));
  CHECK(has(other, "environment = { SECRET = \"***\" }  # frozen @1; " + file + ":"));
  CHECK(has(other, " has another value\n"));
  CHECK_FALSE(has(other, "first"));
  CHECK_FALSE(has(other, "second"));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK_FALSE(has(shown(daemon), "frozen"));
  CHECK(daemon.ctl({"scale", "web", "2"}).exit_code == 0);
  CHECK(has(shown(daemon), "instances = 2  # gvctl scale; the files have 1 (default)\n"));
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  CHECK(has(shown(daemon), "# web@2\n"));
  CHECK(has(daemon.ctl({"--json", "show", "web"}).out, R"("key":"instances","value":"2","source":"scale")"));
}

TEST_CASE("show: the short form of a table is the place of what it sets, and of nothing else") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::string text = shown(daemon, {"show", "--all", "web"});
  INFO(text);
  CHECK(has(text, "\npath = \"/health\"  # " + site.config().string() + ":"));
  CHECK(has(text, "\ninterval = \"5s\"  # default\n"));
  CHECK(has(text, "\nhealthy_after = 1  # default\n"));
}

TEST_CASE("show: an app that the files no longer have, files with an error, and an app that never ran") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure("[app.idle]\ncommand = \"sleep 600\"\nendpoint = \"none\"\ninstances = 2\n");
  std::string text = shown(daemon);
  INFO(text);
  CHECK(has(text, "# web is not in the files any more: gvctl reload --remove\n"));
  CHECK(has(text, "interval = \"50ms\"  # frozen @1\n"));
  text = shown(daemon, {"show", "idle"});
  CHECK(has(text, "# idle\n# idle is only in the files yet: gvctl reload idle\n"));
  CHECK(has(text, "instances = 2  # " + site.config().string() + ":"));
  site.configure("[app.web]\ncommand = 4\n");
  text = shown(daemon);
  INFO(text);
  CHECK(has(text, " has errors, so this is what is frozen: " + site.config().string() + ":"));
  CHECK(has(text, "interval = \"50ms\"  # frozen @1\n"));
  CHECK(daemon.ctl({"show", "idle"}).exit_code == 4);
  CHECK(daemon.ctl({"show", "nothing"}).exit_code == 4);
  CHECK(daemon.ctl({"show"}).exit_code == 2);
}

TEST_CASE("show: a shared listener and what follows from other keys") {
  Site site;
  site.configure(public_listener() + named_app("web", "public") +
                 "[app.pass]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN1@\"\nproxy = \"tcp\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(has(shown(daemon), "\n[listen.public]\naddress = "));
  CHECK(has(shown(daemon, {"show", "pass"}), "type = \"tcp\"  # follows from other keys\n"));
}

TEST_CASE("check: the daemon finds in its files what gracevisord --check finds") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult check = daemon.ctl({"check"});
  INFO(describe(check));
  CHECK(check.exit_code == 0);
  CHECK(has(check.out, site.config().string() + ": 1 app, 1 listener: ok"));
  CHECK(has(check.out, "web"));
  CHECK(has(daemon.ctl({"--json", "check"}).out, R"("ok":true)"));

  site.configure(named_app("web", "@LISTEN@") +
                 "[app.gone]\ncommand = \"/nowhere/x\"\nendpoint = \"none\"\n");
  check = daemon.ctl({"check"});
  CHECK(check.exit_code == 0);
  CHECK(has(check.err, "warning: " + site.config().string() + ":"));
  CHECK(has(check.err, "app.gone.command: /nowhere/x"));
  CHECK(daemon.ctl({"check", "--strict"}).exit_code == 2);
  CHECK(daemon.ctl({"--json", "check", "--strict"}).exit_code == 2);

  site.configure("[app.web]\ncommand = 4\nhelth = \"/x\"\n");
  check = daemon.ctl({"check"});
  INFO(describe(check));
  CHECK(check.exit_code == 2);
  CHECK(check.out.empty());
  CHECK(has(check.err, "app.web.helth: unknown key"));
  CHECK(has(check.err, ": 2 errors\n"));
  CHECK(daemon.ctl({"--json", "check"}).exit_code == 2);
  // Nothing has changed.
  CHECK(daemon.app("web")->healthy == 1);
}
