// gvctl logs after a daemon that was killed while an app was in the middle of a line.
#include <doctest/doctest.h>

#include <string>

#include "support/daemon_process.h"
#include "support/echo_app.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

TEST_CASE("logs: what a killed daemon left of a line is no part of the next daemon's first one") {
  struct Row {
    const char* format;
    const char* written;  // to the log, of the line that has no end
    const char* shown;
  };
  for (const Row& row : {
           Row{"plain", "begins\nhalf", "web  begins\nweb  half\nweb@1.1  begins\n"},
           Row{"prefixed", "web@1.1 out+ half\n", "web@1.1  begins\nweb@1.1  half\nweb@1.1  begins\n"},
           Row{"json", "\"line\":\"half\",\"cut\":true}\n",
               "web@1.1  begins\nweb@1.1  half\nweb@1.1  begins\n"},
       }) {
    CAPTURE(row.format);
    const EchoSite apps({"web"});
    apps.site.configure(echo("web", std::string("format = \"") + row.format + "\"\n"));
    DaemonProcess killed(apps.site);
    apps.say("web", "half");
    REQUIRE(wait_until([&] { return has(content_of(apps.log("web")), row.written); }));
    killed.crash();
    apps.forget("web");
    DaemonProcess daemon(apps.site);
    REQUIRE(wait_until([&] { return count(content_of(apps.log("web")), "begins") == 2; }));
    INFO(content_of(apps.log("web")));
    CHECK(daemon.ctl({"logs", "web"}).out == row.shown);
  }
}
