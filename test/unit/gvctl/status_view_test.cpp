#include "gvctl/status_view.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "gvctl/table.h"

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
  app.should_run = true;
  app.generation = 42;
  app.healthy = 1;
  app.wanted = 2;
  app.requests_per_s = 412.4;
  app.errors_per_s = 0.26;
  app.cpu_percent = 38.2;
  app.memory_bytes = 325058560;
  app.since_s = 172800;
  app.listens = {"127.0.0.1:80"};
  app.routes = {"example.com/api"};
  control::InstanceStatus running = instance("42.1", "healthy");
  running.pid = 4711;
  running.endpoint = ":21004";
  running.uptime_s = 7260;
  running.in_flight = 13;
  running.upgraded = 4;
  running.cpu_percent = 38.2;
  running.memory_bytes = 325058560;
  running.processes = 4;
  running.probe_ms = 3;
  running.probes_allowed = 3;
  control::InstanceStatus waiting = instance("42.2", "backoff");
  waiting.failures = 6;
  waiting.due_s = 7;
  waiting.restarts = 5;
  waiting.last_exit = "exit 1";
  waiting.last_line = "PG::ConnectionBad: refused";
  app.instances = {running, waiting};
  app.problems = {{"drift", "configuration differs from web@42: environment.SMTP_URL: gvctl deploy web"}};
  return app;
}

control::StatusReport report(std::vector<control::AppStatus> apps) {
  control::StatusReport result;
  result.apps = std::move(apps);
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("status view: one line an app under a head, and below it what is wrong") {
  CHECK(render(report({web()}), {}) ==
        "APP  GEN  STATE  INSTANCES  REQ/S  5XX  CPU   MEM  UP  ADDRESS\n"
        "web  @42  live   1/2          412  0.3  38%  310M  2d  example.com/api on 127.0.0.1:80\n"
        "  !  configuration differs from web@42: environment.SMTP_URL: gvctl deploy web\n"
        "  !  42.2 backoff, 6 failures: exit 1 \"PG::ConnectionBad: refused\", next in 7 s\n");
}

TEST_CASE("status view: a cause that the daemon tells is not told again for the instance") {
  control::AppStatus app = web();
  app.problems = {{"unwell", "42.2 exit 1: PG::ConnectionBad: refused; 6 failures in a row: gvctl logs web"}};
  const auto lines = lines_of(render(report({app}), {}));
  REQUIRE(lines.size() == 4);
  CHECK(lines[2] == "  !  42.2 exit 1: PG::ConnectionBad: refused; 6 failures in a row: gvctl logs web");
  CHECK(lines[3] == "  !  42.2 backoff, next in 7 s");
}

TEST_CASE("status view: what waits for a place to start is told once for an app") {
  control::AppStatus app = web();
  app.problems.clear();
  app.instances = {instance("1.1", "queued"), instance("1.2", "queued"), instance("1.3", "starting")};
  for (control::InstanceStatus& one : app.instances) one.probe = "1 of 1 places";
  auto lines = lines_of(render(report({app}), {}));
  REQUIRE(lines.size() == 3);
  CHECK(lines[2] == "  >  1.1 and 1 more are queued: 1 of 1 places");
  app.instances.erase(app.instances.begin());
  lines = lines_of(render(report({app}), {}));
  REQUIRE(lines.size() == 3);
  CHECK(lines[2] == "  >  1.2 is queued: 1 of 1 places");
}

TEST_CASE("status view: with instances it shows their processes") {
  const auto lines = lines_of(render(report({web()}), {{}, {}, true}));
  REQUIRE(lines.size() == 7);
  CHECK(lines[2] ==
        "  INSTANCE  STATE     PID  PLACE   UP        IN FLIGHT  RESTARTS  CPU   MEM  PROCS  PROBE");
  CHECK(lines[3] ==
        "  42.1      healthy  4711  :21004  2h  13 (4 upgraded)         0  38%  310M      4   3 ms");
  CHECK(lines[4] ==
        "  42.2      backoff     -  -        -                -         5    -     -      -      -");
}

TEST_CASE("status view: with instances it shows why one that serves was started again") {
  control::AppStatus app = web();
  app.problems.clear();
  app.instances.pop_back();
  control::InstanceStatus& instance = app.instances.front();
  instance.restarts = 3;
  instance.uptime_s = 130;
  instance.last_exit = "exit 1";
  const auto last = [&](bool instances) {
    return lines_of(render(report({app}), {{}, {}, instances})).back();
  };
  CHECK(last(true) == "  >  42.1 restarted 2 min ago after exit 1");
  instance.last_line = "KeyError: 'URL', app.py line 4";
  CHECK(last(true) == "  >  42.1 restarted 2 min ago after exit 1 \"KeyError: 'URL', app.py line 4\"");
  CHECK(last(false).starts_with("web  @42"));
  instance.state = "unhealthy";
  instance.probes_failed = 3;
  instance.probe = "GET / -> 500";
  CHECK(last(true) == "  !  42.1 unhealthy, failing 3 of 3: GET / -> 500");
  instance.state = "healthy";
  instance.probes_failed = 0;
  instance.restarts = 0;
  CHECK(last(true).starts_with("  42.1"));
}

TEST_CASE("status view: a failing probe is told before it counts") {
  control::AppStatus app = web();
  app.instances.resize(1);
  app.problems.clear();
  app.instances[0].probes_failed = 2;
  app.instances[0].probe = "GET /health -> timeout";
  const std::string text = render(report({app}), {{}, {}, true});
  CHECK(text.find("  42.1      healthy, failing 2 of 3  4711") != std::string::npos);
  CHECK(text.find("  !  42.1 healthy, failing 2 of 3: GET /health -> timeout\n") != std::string::npos);
}

TEST_CASE("status view: what is stopped, scaled or being deployed says so") {
  control::AppStatus app = web();
  app.instances.clear();
  app.problems.clear();
  app.scaled_from = 2;
  app.wanted = 4;
  app.healthy = 4;
  CHECK(render(report({app}), {}).find("  4/4 (file: 2)  ") != std::string::npos);
  app.deploy = control::DeployStatus{.generation = 43,
                                     .running = true,
                                     .phase = "guarding",
                                     .since_s = 4,
                                     .left_s = 6,
                                     .draining = 3,
                                     .ended_s = {},
                                     .exit = {},
                                     .text = "x"};
  CHECK(lines_of(render(report({app}), {})).at(2) ==
        "  >  deploying @43: guarding, 6 s left, 3 requests drain (gvctl attach web, gvctl abort web)");
  app.deploy->phase = "finishing";
  CHECK(lines_of(render(report({app}), {})).at(2).ends_with("(gvctl attach web)"));
  app.deploy.reset();
  app.state = "stopped";
  app.stopped_uid = 0;
  app.stopped_s = 7;
  CHECK(lines_of(render(report({app}), {})).at(2) == "  >  stopped by root 7 s ago: gvctl start web");
}

TEST_CASE("status view: no line is wider than the terminal, for 1, 14 and 200 apps at every width") {
  for (const std::size_t count : {1U, 14U, 200U}) {
    std::vector<control::AppStatus> apps;
    for (std::size_t i = 0; i < count; ++i) {
      control::AppStatus app = web();
      app.name = i % 3 == 0 ? "a-rather-long-name-of-a-worker-" + std::to_string(i) : std::to_string(i);
      if (i % 2 == 0) app.problems = {{"remark", std::string(i, 'x') + " ünïcödé " + std::string(90, 'y')}};
      if (i % 4 == 1) app.instances[1].state = "fatal";
      if (i % 5 == 2) {
        app.deploy = control::DeployStatus{.generation = 43,
                                           .running = true,
                                           .phase = "checking",
                                           .since_s = 1,
                                           .left_s = 59,
                                           .draining = 0,
                                           .ended_s = {},
                                           .exit = {},
                                           .text = ""};
      }
      apps.push_back(app);
    }
    control::StatusReport all = report(apps);
    all.problems = {{"remark", "12 connections of clients were turned away, because no descriptor was left"}};
    all.predecessor = control::PredecessorStatus{4711, "1.3.0+" + std::string(60, 'v'), 240, 1234, 1000};
    for (std::size_t width = 20; width <= 200; width += width >= 60 && width < 120 ? 1 : 20) {
      for (const bool instances : {false, true}) {
        for (const std::string& line : lines_of(render(all, {{}, width, instances}))) {
          CAPTURE(line);
          CAPTURE(width);
          CHECK(length(line) <= width);
        }
      }
    }
  }
}

TEST_CASE("status view: columns go in a fixed order, and the address is cut before the next one goes") {
  const auto head = [](std::size_t width) {
    return lines_of(render(report({web()}), {{}, width, false}))[0];
  };
  CHECK(head(86) == "APP  GEN  STATE  INSTANCES  REQ/S  5XX  CPU   MEM  UP  ADDRESS");
  CHECK(head(67) == "APP  GEN  STATE  INSTANCES  REQ/S  5XX  CPU   MEM  UP  ADDRESS");
  CHECK(head(66) == "APP  GEN  STATE  INSTANCES  REQ/S  CPU   MEM  UP  ADDRESS");
  CHECK(head(61) == "APP  GEN  STATE  INSTANCES  REQ/S  CPU   MEM  ADDRESS");
  CHECK(head(50) == "APP  GEN  STATE  INSTANCES  REQ/S  CPU   MEM");
  CHECK(head(40) == "APP  GEN  STATE  INSTANCES  REQ/S   MEM");
  CHECK(head(30) == "APP  GEN  STATE  INSTANCES");
  CHECK(head(25) == "APP  STATE  INSTANCES");
}

TEST_CASE("status view: what an app wrote cannot control the terminal") {
  control::AppStatus app = web();
  app.name = "w\x1b[31m";
  app.instances[1].last_line = "a\nb\x1b[2J";
  app.problems = {{"remark", "\x07"}};
  const std::string text = render(report({app}), {{}, {}, true});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  CHECK(text.find("a\\x0ab\\x1b[2J") != std::string::npos);
}

TEST_CASE("status view: colours are there only when they are wanted, and cost no width") {
  CHECK(render(report({web()}), {}).find('\x1b') == std::string::npos);
  const std::string text = render(report({web()}), {Style{true}, {}, false});
  CHECK(text.find("\x1b[31m!\x1b[0m  42.2 backoff") != std::string::npos);
  CHECK(text.find("\x1b[32mlive\x1b[0m   \x1b[31m1/2\x1b[0m  ") != std::string::npos);
}

TEST_CASE("status view: a screen that is too long ends with how much is missing") {
  CHECK(fit("1\n2\n3\n", 3) == "1\n2\n3\n");
  CHECK(fit("1\n2\n3\n4\n", 3) == "1\n2\n… 2 more lines: gvctl status APP\n");
}

TEST_CASE("status view: all is well if everything that should run does") {
  control::AppStatus well = web();
  well.healthy = 2;
  control::AppStatus stopped = web();
  stopped.should_run = false;
  stopped.healthy = 0;
  CHECK(all_well(report({})));
  CHECK(all_well(report({well, stopped})));
  CHECK_FALSE(all_well(report({well, web()})));
}

TEST_CASE("fold: lines break between words, and within one that is too long") {
  CHECK(fold("one two three", 9, 2) == std::vector<std::string>{"one two", "  three"});
  CHECK(fold("abcdefghij", 4, 1) == std::vector<std::string>{"abcd", " efg", " hij"});
  CHECK(fold("äöü äöü", 4, 0) == std::vector<std::string>{"äöü", "äöü"});
  CHECK(fold("short", {}, 2) == std::vector<std::string>{"short"});
  CHECK(cut("abcdef", 4) == "abc…");
  CHECK(cut("äöü", 3) == "äöü");
}

TEST_CASE("status view: a daemon that was restarted says so for a day, and always where that is asked for") {
  control::StatusReport status = report({});
  status.pid = 5210;
  status.uptime_s = 14;
  status.version = "1.4.0";
  status.keeper = {4711, "1.3.0", 4, "signal 9 (KILL)"};
  const std::string none = "no apps are configured\n";
  CHECK(render(status, {}) ==
        none +
            "!  daemon pid 5210 since 14 s: restarted 3 times by its keeper (pid 4711), the former one ended "
            "by signal 9 (KILL)\n");
  CHECK(all_well(status));
  StatusLook verbose;
  verbose.verbose = true;
  CHECK(render(status, verbose) ==
        none +
            "!  daemon pid 5210 since 14 s, version 1.4.0: restarted 3 times by its keeper (pid 4711), the "
            "former one ended by signal 9 (KILL); version of the keeper 1.3.0\n");
  status.keeper.starts = 2;
  status.keeper.last_end = "exit 1";
  CHECK(render(status, {}) ==
        none +
            "!  daemon pid 5210 since 14 s: restarted once by its keeper (pid 4711), the former one ended "
            "with exit 1\n");
  status.uptime_s = 86400;
  CHECK(render(status, {}) == none);
  CHECK(render(status, verbose) ==
        none +
            ">  daemon pid 5210 since 1 d, version 1.4.0: restarted once by its keeper (pid 4711), the "
            "former one ended with exit 1; version of the keeper 1.3.0\n");
  status.keeper.starts = 1;
  status.uptime_s = 14;
  CHECK(render(status, {}) == none);
  CHECK(render(status, verbose) ==
        none +
            ">  daemon pid 5210 since 14 s, version 1.4.0: its keeper has pid 4711; version of the keeper "
            "1.3.0\n");
  // An older daemon has none.
  status.keeper = {};
  CHECK(render(status, {}) == none);
  CHECK(render(status, verbose) == none + ">  daemon pid 5210 since 14 s, version 1.4.0\n");
}

TEST_CASE("status view: a former daemon that still drains is told, with what it holds") {
  control::StatusReport status = report({});
  const std::string none = "no apps are configured\n";
  const auto last = [&](std::uint64_t connections, std::uint64_t tunnels) {
    status.predecessor = control::PredecessorStatus{4711, "1.3.0", 240, connections, tunnels};
    return render(status, {});
  };
  const std::string begin = none + ">  predecessor pid 4711, version 1.3.0, drains since 4 min: ";
  const std::string end = ": a further gvctl upgrade ends it with --now\n";
  CHECK(last(1300, 3) == begin + "1,300 connections, 3 of them WebSockets or TCP" + end);
  CHECK(last(3, 0) == begin + "3 connections" + end);
  CHECK(last(1, 1) == begin + "1 connection, a WebSocket or TCP" + end);
  CHECK(last(1, 0) == begin + "1 connection" + end);
  CHECK(last(0, 0) == begin + "0 connections" + end);
  CHECK(all_well(status));
  status.predecessor->version = "1\x1b[2J";
  CHECK(render(status, {}).find("version 1\\x1b[2J, ") != std::string::npos);
  status.predecessor.reset();
  CHECK(render(status, {}) == none);
}
