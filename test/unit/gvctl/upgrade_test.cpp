// gvctl upgrade, and what follows a daemon over one, against a server that plays both daemons.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "control/answers.h"
#include "control/messages.h"
#include "gvctl/answers.h"
#include "run.h"
#include "support/control_server.h"

using namespace gracevisor;
using test::ControlServer;
using test::Outcome;

namespace {

using ResponseRef = std::shared_ptr<serve::Response>;

const std::vector<std::string> kBegins = {
    R"({"phase":"upgrade","at_ms":0,"text":"1.3.0 -> 1.4.0"})",
    R"({"phase":"check","at_ms":3,"text":"/usr/sbin/gracevisord --check: ok"})",
    R"({"phase":"start","at_ms":30,"text":"pid 5210","pid":5210})",
    R"({"phase":"reattached","at_ms":50,"text":"3 apps, 7 instances, 4 listeners"})"};
const std::string kServing = R"({"phase":"serving","at_ms":60,"text":"new connections -> 5210"})";
const std::string kDrained =
    R"({"phase":"drained","at_ms":6100,"text":"pid 4711: 41 finished, 0 cut, 3 WebSockets left alone"})";
const std::string kDone = R"({"phase":"done","at_ms":6100,"text":"0 failed, 0 connections closed","exit":0})";

constexpr const char* kBegun =
    "upgrade 1.3.0 -> 1.4.0\n"
    "  0.00s check      /usr/sbin/gracevisord --check: ok\n"
    "  0.03s start      pid 5210\n"
    "  0.05s reattached 3 apps, 7 instances, 4 listeners\n";
constexpr const char* kGone = "gvctl: the daemon has gone: waiting for the next one\n";

std::vector<std::string> begun_and(const std::vector<std::string>& more) {
  std::vector<std::string> all = kBegins;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// The daemon that is asked, and the one that answers once its report has ended, or broken off.
struct Daemons {
  control::Version former{"1.3.0", 4711, 0};
  control::Version next{"1.4.0", 5210, 4711};
  std::vector<std::string> report = begun_and({kServing, kDrained, kDone});
  std::vector<std::string> asked;
  std::string body;
  bool over = false;

  ControlServer::Script script() {
    return [this](const control::Request& request, const ResponseRef& response) {
      asked.push_back(request.path);
      if (request.path == "/v1/version") {
        return control::send_json(*response, to_json(over ? next : former));
      }
      body = request.body;
      over = true;
      control::begin_lines(*response);
      for (const std::string& line : report) control::send_line(*response, line);
      if (!report.empty() && report.back().find("\"exit\":") != std::string::npos) response->end();
    };
  }
};

// As main() does: the daemon is greeted first.
Outcome greet_and_run(const ControlServer& server, const std::vector<std::string>& arguments) {
  const auto line = gvctl::parse_command_line(arguments, "");
  REQUIRE(line);
  const control::Client client(server.path());
  test::Capture out;
  test::Capture err;
  Outcome outcome;
  gvctl::Commands commands(*line, client, out.output(), err.output(), gvctl::Style{});
  REQUIRE_FALSE(commands.greet().has_value());
  outcome.exit = commands.run();
  outcome.out = out.text();
  outcome.err = err.text();
  return outcome;
}

std::string body_of(const std::vector<std::string>& arguments) {
  Daemons daemons;
  ControlServer server(daemons.script());
  CHECK(greet_and_run(server, arguments).exit == 0);
  CHECK(server.stop() == 0);
  CHECK(daemons.asked.back() == "/v1/upgrade");
  return daemons.body;
}

}  // namespace

TEST_CASE("upgrade: its report is shown as it comes, to the end") {
  Daemons daemons;
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"upgrade"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out == std::string(kBegun) +
                           "  0.06s serving    new connections -> 5210\n"
                           "  6.10s drained    pid 4711: 41 finished, 0 cut, 3 WebSockets left alone\n"
                           "done: 0 failed, 0 connections closed\n");
}

TEST_CASE("upgrade: with --json its lines are passed on") {
  Daemons daemons;
  ControlServer server(daemons.script());
  std::string all;
  for (const std::string& line : daemons.report) all += line + "\n";
  CHECK(greet_and_run(server, {"--json", "upgrade"}).out == all);
}

TEST_CASE("upgrade: the daemon gets what was asked for, and a path that does not depend on where gvctl is") {
  CHECK(body_of({"upgrade"}) == R"({"to":"","wait":false,"timeout_ms":300000,"now":false})");
  CHECK(body_of({"upgrade", "--wait", "--timeout", "24h", "--now", "--to", "/opt/gracevisord"}) ==
        R"({"to":"/opt/gracevisord","wait":true,"timeout_ms":86400000,"now":true})");
  const std::string here = std::filesystem::current_path().string();
  const auto path_of = [](const std::string& given) {
    return control::read_upgrade_options(body_of({"upgrade", "--to", given}))->to;
  };
  CHECK(path_of("no-such-file") == here + "/no-such-file");
  CHECK(path_of("./build//gracevisord") == here + "/build/gracevisord");
  CHECK(path_of("link/../gracevisord") == here + "/link/../gracevisord");
}

TEST_CASE("upgrade: a path that the daemon cannot be told is not sent") {
  Daemons daemons;
  ControlServer server(daemons.script());
  for (const std::string& path : {std::string("/opt/\xff"), "/" + std::string(4096, 'a')}) {
    const Outcome outcome = greet_and_run(server, {"upgrade", "--to", path});
    CHECK(outcome.exit == 2);
    CHECK(outcome.err == "gvctl: --to: the daemon cannot be told this path: it is too long, or no UTF-8\n");
  }
  CHECK(server.stop() == 0);
  CHECK(daemons.asked == std::vector<std::string>{"/v1/version", "/v1/version"});
}

TEST_CASE("upgrade: refusals and failures exit as the daemon says") {
  using control::ExitCode;
  for (const ExitCode exit : {ExitCode::usage, ExitCode::busy, ExitCode::not_permitted}) {
    ControlServer server([&](const control::Request& request, const ResponseRef& response) {
      if (request.path == "/v1/version") return control::send_json(*response, to_json(control::Version()));
      control::send_error(*response, {"a predecessor still drains", exit, {"3 WebSockets"}});
    });
    const Outcome outcome = greet_and_run(server, {"upgrade"});
    CHECK(outcome.exit == gvctl::code(exit));
    CHECK(outcome.err == "gvctl: a predecessor still drains\n  3 WebSockets\n");
  }
  Daemons daemons;
  daemons.report =
      begun_and({R"({"phase":"cause","text":"pid 5210 exit 1 after 0.2 s"})",
                 R"({"phase":"output","text":"cannot open /etc/x"})", R"({"phase":"","text":"gone"})",
                 R"({"phase":"failed","at_ms":90,"text":"1.3.0 serves on","exit":1})"});
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"upgrade"});
  CHECK(outcome.exit == 1);
  CHECK(outcome.out == std::string(kBegun) +
                           "  cause      pid 5210 exit 1 after 0.2 s\n"
                           "  output     cannot open /etc/x\n"
                           "                   gone\n"
                           "failed: 1.3.0 serves on\n");
}

TEST_CASE("upgrade: it is done when the former daemon ends after the other one serves") {
  Daemons daemons;
  daemons.report = begun_and({kServing});
  // Even if that one has been followed by yet another.
  SUBCASE("the successor answers") {}
  SUBCASE("a third one answers") {
    daemons.next = {"1.4.0", 5300, 0};
  }
  const bool third = daemons.next.pid == 5300;
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"upgrade"});
  CHECK(outcome.exit == 0);
  CHECK(
      outcome.out.ends_with("done: the upgrade is done; the former daemon (pid 4711) ended before it said "
                            "what became of its connections\n"));
  CHECK(outcome.err == (third ? kGone : ""));
}

TEST_CASE("upgrade: it is done when the former daemon ends before it says so, but the other one took over") {
  Daemons daemons;
  SUBCASE("as the other one says") {
    daemons.report = {kBegins.front()};
  }
  SUBCASE("as its pid says") {
    daemons.report = kBegins;
    daemons.next.took_over_from = 0;
  }
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"--json", "upgrade"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out.ends_with(R"({"phase":"done","text":"the upgrade is done; the former daemon (pid 4711) )"
                              R"(ended before it said what became of its connections","exit":0})"
                              "\n"));
}

TEST_CASE("upgrade: it did not happen when the daemon was restarted before the other one served") {
  Daemons daemons;
  daemons.report = kBegins;
  daemons.next = {"1.4.0", 5300, 0};
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"upgrade"});
  CHECK(outcome.exit == 1);
  CHECK(outcome.err == kGone);
  CHECK(outcome.out == std::string(kBegun) +
                           "failed: the upgrade did not happen: the daemon was restarted meanwhile, and "
                           "gracevisord 1.4.0 (pid 5300) serves: gvctl logs --daemon\n");
}

TEST_CASE("upgrade: a daemon that only ends the connection is not taken for another one") {
  Daemons daemons;
  daemons.report = kBegins;
  daemons.next = daemons.former;
  ControlServer server(daemons.script());
  const Outcome outcome = greet_and_run(server, {"upgrade"});
  CHECK(outcome.exit == 3);
  CHECK(outcome.err ==
        "gvctl: the daemon ended the connection in the midst of its answer at " + server.path() + "\n");
}

TEST_CASE("upgrade: whoever follows logs goes on with the other daemon, and notices nothing") {
  Daemons daemons;
  int streams = 0;
  ControlServer server(
      [&, script = daemons.script()](const control::Request& request, const ResponseRef& response) {
        if (request.path == "/v1/version") return script(request, response);
        control::begin_lines(*response);
        const bool first = streams++ == 0;
        control::send_line(*response, to_json(control::LogLine{.instance = "1.1",
                                                               .stream = "out",
                                                               .time = "2026-11-22T20:00:00.123Z",
                                                               .line = first ? "before" : "after"}));
        daemons.over = true;
        if (first) return;  // cut
        CHECK(request.query.at("since") == "2026-11-22T20:00:00.124Z");
        response->end();
      });
  const Outcome outcome = greet_and_run(server, {"logs", "-f", "web@1.1"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out == "before\nafter\n");
  CHECK(outcome.err.empty());
  // A daemon that died is told.
  server.on_loop([&] {
    daemons.over = false;
    daemons.next.took_over_from = 0;
    streams = 0;
  });
  CHECK(greet_and_run(server, {"logs", "-f", "web@1.1"}).err ==
        std::string(kGone) + "gvctl: the daemon is back\n");
}

TEST_CASE("upgrade: whoever waits for an app waits on with the other daemon, and notices nothing") {
  Daemons daemons;
  int streams = 0;
  ControlServer server(
      [&, script = daemons.script()](const control::Request& request, const ResponseRef& response) {
        if (request.path == "/v1/version") return script(request, response);
        control::begin_lines(*response);
        daemons.over = true;
        if (streams++ == 0) return;
        control::send_line(*response, R"({"phase":"done","text":"fine","exit":0})");
        response->end();
      });
  const Outcome outcome = greet_and_run(server, {"wait", "web"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out == "done: fine\n");
  CHECK(outcome.err.empty());
}
