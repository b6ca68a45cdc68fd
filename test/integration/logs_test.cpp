// gvctl logs over failed deploys, and of what is not there.
#include <doctest/doctest.h>

#include <string>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kFailing =
    "[app.web]\ncommand = \"/bin/sh -c 'echo fails; exit 3'\"\nlisten = \"@LISTEN@\"\n";

}  // namespace

TEST_CASE("logs: after failed deploys each generation has its own lines and the live one all of its own") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@ --version-text v1\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(kFailing);
  for (int i = 0; i < 7; ++i) CHECK(daemon.ctl({"deploy", "web"}).exit_code == 10);
  CommandResult live = daemon.ctl({"logs", "web@1.1"});
  INFO(describe(live));
  CHECK(live.exit_code == 0);
  CHECK(live.out.find("gvdemo v1 boots") != std::string::npos);
  CommandResult all = daemon.ctl({"logs", "web"});
  INFO(describe(all));
  CHECK(all.out.find("web@1.1  gvdemo v1 boots") != std::string::npos);
  for (const char* kept : {"web@4.1", "web@8.1"}) {
    CommandResult dead = daemon.ctl({"logs", kept});
    INFO(describe(dead));
    CHECK(dead.exit_code == 0);
    CHECK(dead.out == "fails\n");
  }
  const auto refused = [&daemon](const std::string& what, const std::string& text) {
    const CommandResult unknown = daemon.ctl({"logs", what});
    INFO(describe(unknown));
    CHECK(unknown.exit_code == 4);
    CHECK(has(unknown.err, text));
    CHECK(daemon.ctl({"logs", "-f", what}).exit_code == 4);
  };
  // Two failed before the last five.
  for (const std::string gone : {"web@2", "web@3.1", "web@1.2"}) {
    refused(gone, "nothing of " + gone + " is kept, only of @1, @4, @5, @6, @7, @8");
  }
  refused("web@9", "there is no generation 9 of web: the newest is 8");
  refused("web@18446744073709551615", "there is no generation 18446744073709551615 of web: the newest is 8");
}

TEST_CASE("logs: a generation that was silent is another thing than one that never was") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@ --version-text v1\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure("[app.web]\ncommand = \"/bin/sh -c 'exit 3'\"\nlisten = \"@LISTEN@\"\n");
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 10);
  for (const char* silent : {"web@2", "web@2.1"}) {
    const CommandResult logs = daemon.ctl({"logs", silent});
    INFO(describe(logs));
    CHECK(logs.exit_code == 0);
    CHECK(logs.out.empty());
    CHECK(logs.err == std::string("gvctl: nothing was written by ") + silent + "\n");
  }
  for (const char* never : {"web@3", "web@3.1"}) {
    const CommandResult logs = daemon.ctl({"logs", never});
    INFO(describe(logs));
    CHECK(logs.exit_code == 4);
    CHECK(has(logs.err, std::string("there is no generation ") + never[4] + " of web: the newest is 2"));
  }
}

TEST_CASE("deploy: a dollar in an environment file stays and the report hints at it") {
  Site site;
  site.files().write("web.env", "VERSION=\"v$x\"  # a comment\nSECRET='line one\nline two'\n");
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\ndirectory = \"@DIR@\"\nlisten = \"@LISTEN@\"\n"
      "environment_file = [\"web.env\"]\n[app.web.deploy]\nguard = \"0s\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy));
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.out.find("web.env:1: VERSION: the \"$\" stays as it is: variables are not expanded") !=
        std::string::npos);
  CHECK(daemon.ctl({"logs", "web@2"}).out.find("gvdemo v$x boots") != std::string::npos);
}
