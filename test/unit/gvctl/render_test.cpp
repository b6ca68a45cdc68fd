#include "gvctl/render.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::gvctl;

namespace {

std::string line(control::ReportLine report, bool colour = false) {
  return render(report, Style{colour});
}

}  // namespace

TEST_CASE("render: the lines of a deploy are those of the design") {
  CHECK(line({"deploy", 0, "web@42 (was @41)  2 instances  /srv/web/releases/20261122", {}, {}}) ==
        "deploy web@42 (was @41)  2 instances  /srv/web/releases/20261122\n");
  CHECK(line({"start", 0, "42.1 pid 4711 :21004   42.2 pid 4712 :21005", {}, {}}) ==
        "  0.0s start    42.1 pid 4711 :21004   42.2 pid 4712 :21005\n");
  CHECK(line({"cutover", 1700, "new requests -> @42", {}, {}}) == "  1.7s cutover  new requests -> @42\n");
  CHECK(line({"guard", 11700, "ok: 2,310 requests, 0 5xx", {}, {}}) ==
        " 11.7s guard    ok: 2,310 requests, 0 5xx\n");
  CHECK(line({"stopped", 123456, "@41 exit 0", {}, {}}) == "123.5s stopped  @41 exit 0\n");
  CHECK(line({"done", 12000, "14,092 requests during the deploy, 0 failed", 0, {}}) ==
        "done: 14,092 requests during the deploy, 0 failed\n");
}

TEST_CASE("render: a failure is explained without moments, and what an app wrote is indented") {
  CHECK(line({"cause", 2900, "43.1 exit 1 after 2.9 s", {}, {}}) == "  cause    43.1 exit 1 after 2.9 s\n");
  CHECK(line({"", 2900, "KeyError: 'SMTP_URL'", {}, {}}) == "                KeyError: 'SMTP_URL'\n");
  CHECK(line({"next", {}, "gvctl logs web@43", {}, {}}) == "  next     gvctl logs web@43\n");
  CHECK(line({"failed", 3400, "web@43 in checking after 3.4 s, exit 10", 10, {}}) ==
        "failed: web@43 in checking after 3.4 s, exit 10\n");
  CHECK(line({"novelty", {}, "unknown phases are shown too", {}, {}}) ==
        "  novelty  unknown phases are shown too\n");
}

TEST_CASE("render: colours are there only when they are wanted") {
  CHECK(line({"done", 1, "ok", 0, {}}, true) == "\x1b[32mdone:\x1b[0m ok\n");
  CHECK(line({"failed", 1, "no", 1, {}}, true) == "\x1b[31mfailed:\x1b[0m no\n");
}

TEST_CASE("render: what an app put into a message cannot control the terminal") {
  CHECK(line({"cause", {}, "exit 1: \x1b]0;title\x07 \x1b[2J", {}, {}}) ==
        "  cause    exit 1: \\x1b]0;title\\x07 \\x1b[2J\n");
  CHECK(render(control::Error{"no \x1b[1m", control::ExitCode::failed, {"a\x07"}}) ==
        "gvctl: no \\x1b[1m\n  a\\x07\n");
}

TEST_CASE("render: the lines of an upgrade have room for its phases and its moments") {
  const auto upgrade = [](control::ReportLine report) { return render(report, {}, Reported::upgrade); };
  CHECK(upgrade({"upgrade", 0, "1.3.0 -> 1.4.0", {}, {}}) == "upgrade 1.3.0 -> 1.4.0\n");
  CHECK(upgrade({"check", 4, "/usr/sbin/gracevisord --check: ok", {}, {}}) ==
        "  0.00s check      /usr/sbin/gracevisord --check: ok\n");
  CHECK(upgrade({"reattached", 50, "3 apps", {}, {}}) == "  0.05s reattached 3 apps\n");
  CHECK(upgrade({"drained", 123456, "pid 4711", {}, {}}) == "123.46s drained    pid 4711\n");
  CHECK(upgrade({"", 50, "more", {}, {}}) == "                   more\n");
  CHECK(upgrade({"cause", {}, "exit 1", {}, {}}) == "  cause      exit 1\n");
  CHECK(upgrade({"done", 6, "0 failed", 0, {}}) == "done: 0 failed\n");
  CHECK(render({"serving", 60, "x", {}, {}}, Style{true}, Reported::upgrade) ==
        "  0.06s \x1b[32mserving   \x1b[0m x\n");
}
