#include "gvctl/render.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::gvctl;

namespace {

control::InstanceStatus instance(std::string name, std::string state) {
  control::InstanceStatus status;
  status.name = std::move(name);
  status.state = std::move(state);
  return status;
}

control::AppStatus web() {
  control::AppStatus app;
  app.name = "web";
  app.state = "live";
  app.generation = 42;
  app.healthy = 1;
  app.wanted = 2;
  app.requests = 14092;
  app.failed = 3;
  app.since_s = 7300;
  app.listens = {"public"};
  app.routes = {"example.com/api", "*.example.com"};
  control::InstanceStatus running = instance("42.1", "healthy");
  running.pid = 4711;
  running.endpoint = ":21004";
  running.uptime_s = 7260;
  running.in_flight = 13;
  running.upgraded = 4;
  running.rss_bytes = 325058560;
  running.probe_ms = 3;
  control::InstanceStatus waiting = instance("42.2", "backoff");
  waiting.detail = "next in 7 s, 6 failures: exit 1 \"PG::ConnectionBad: refused\"";
  app.instances = {running, waiting};
  app.problems = {"last deploy @43 FAILED 12 min ago, exit 10: gvctl history web 43"};
  return app;
}

std::string shown(const std::vector<control::AppStatus>& apps, const Style& style) {
  return render(apps, style);
}

std::string line(control::ReportLine report, bool colour = false) {
  return render(report, Style{colour});
}

}  // namespace

TEST_CASE("render: a status is an app's line, its instances and its problems") {
  CHECK(
      shown({web()}, {}) ==
      "web   live @42  1/2 healthy  14,092 requests  3 failed  since 2 h  example.com/api, *.example.com on "
      "public\n"
      "  42.1 healthy pid 4711 :21004 up 2h 13 in flight 4 upgraded rss 310M restarts 0 probe 3 ms\n"
      "  42.2 backoff next in 7 s, 6 failures: exit 1 \"PG::ConnectionBad: refused\"\n"
      "  !  last deploy @43 FAILED 12 min ago, exit 10: gvctl history web 43\n");
}

TEST_CASE("render: an app that was stopped says by whom and how long ago") {
  control::AppStatus app;
  app.name = "web";
  app.state = "stopped";
  app.generation = 42;
  app.wanted = 2;
  app.stopped_uid = 0;
  app.stopped_s = 2 * 86400 + 7;
  CHECK(shown({app}, {}) == "web   stopped @42  0/2 healthy  stopped by uid 0, 2 d ago\n");
  app.stopped_s.reset();
  CHECK(shown({app}, {}) == "web   stopped @42  0/2 healthy  stopped by uid 0\n");
}

TEST_CASE("render: names of apps stand in one column, names and states of instances in theirs") {
  control::AppStatus stopped;
  stopped.name = "worker-mail";
  stopped.state = "stopped";
  control::AppStatus starting;
  starting.name = "api";
  starting.state = "starting";
  starting.generation = 9;
  starting.wanted = 1;
  starting.instances = {instance("9.1", "starting"), instance("9.10", "stopped")};
  starting.instances[1].detail = "exit 0";
  CHECK(shown({stopped, starting}, {}) ==
        "worker-mail  stopped\n"
        "api          starting @9  0/1 healthy\n"
        "  9.1  starting\n"
        "  9.10 stopped  exit 0\n");
}

TEST_CASE("render: an instance without endpoint has nothing in flight and no probe") {
  control::AppStatus app;
  app.name = "jobs";
  app.state = "live";
  control::InstanceStatus job = instance("7.1", "healthy");
  job.pid = 12;
  job.uptime_s = 5;
  job.restarts = 4;
  app.instances = {job};
  CHECK(shown({app}, {}) == "jobs  live\n  7.1 healthy pid 12 up 5s restarts 4\n");
}

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
  CHECK(shown({web()}, Style{true}).find("\x1b[31m!\x1b[0m  last") != std::string::npos);
  CHECK(shown({web()}, {}).find('\x1b') == std::string::npos);
}

TEST_CASE("render: what an app put into a message cannot control the terminal") {
  CHECK(line({"cause", {}, "exit 1: \x1b]0;title\x07 \x1b[2J", {}, {}}) ==
        "  cause    exit 1: \\x1b]0;title\\x07 \\x1b[2J\n");
  control::AppStatus app = web();
  app.name = "w\x1b[31m";
  app.instances[1].detail = "a\nb";
  std::string text = shown({app}, {});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("a\\x0ab\n") != std::string::npos);
  CHECK(render(control::Error{"no \x1b[1m", control::ExitCode::failed, {"a\x07"}}) ==
        "gvctl: no \\x1b[1m\n  a\\x07\n");
}

TEST_CASE("render: a log line goes to a file as it was written, and to a terminal without its commands") {
  control::LogLine log{"43.1", "err", "2026-11-22T20:00:00.123Z", "\x1b[31mred\x1b[0m \x1b[2J"};
  CHECK(render("web", log, {{}, false, false}) == "web@43.1  \x1b[31mred\x1b[0m \x1b[2J\n");
  CHECK(render("web", log, {{}, false, true}) == "web@43.1  \x1b[31mred\x1b[0m \\x1b[2J\x1b[0m\n");
  CHECK(render("web", log, {{}, true, false}).starts_with("web@43.1  2026-11-22T20:00:00.123Z  "));
  CHECK(render("web", log, {{true}, false, true}).starts_with("\x1b[31mweb@43.1\x1b[0m  "));
  log.stream = "out";
  CHECK(render("web", log, {{true}, false, true}).starts_with("web@43.1  "));
}
