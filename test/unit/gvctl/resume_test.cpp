// gvctl whose daemon ends in the midst of a report, against a server that plays both daemons.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "base/rfc3339.h"
#include "control/answers.h"
#include "control/messages.h"
#include "run.h"
#include "support/control_server.h"

using namespace gracevisor;
using test::ControlServer;
using test::Outcome;
using test::run;

namespace {

using ResponseRef = std::shared_ptr<serve::Response>;

constexpr const char* kGone = "gvctl: the daemon has gone: waiting for the next one\n";
constexpr const char* kHeading = R"({"phase":"deploy","at_ms":0,"text":"web@2","generation":2})";
constexpr const char* kResumed =
    R"({"phase":"deploy","at_ms":9,"text":"web@2  goes on","generation":2,"step":"guarding"})";

// Its answers; each that dies sends some lines and ends the connection.
struct Daemons {
  int pid = 77;
  std::vector<std::string> asked;
  std::vector<std::string> first = {kHeading};  // of the command
  std::vector<std::vector<std::string>> attached = {};
  control::History history = {.app = "web", .commands = {}};
  control::StatusReport status = {};

  static void lines(serve::Response& response, const std::vector<std::string>& all) {
    control::begin_lines(response);
    for (const std::string& line : all) control::send_line(response, line);
    // Without it the daemon dies.
    if (!all.empty() && all.back().find("\"exit\":") != std::string::npos) response.end();
  }

  ControlServer::Script script() {
    return [this](const control::Request& request, const ResponseRef& response) {
      asked.push_back(request.path);
      if (request.path == "/v1/version") {
        control::send_json(*response, to_json(control::Version{"9.9", pid}));
      } else if (request.path == "/v1/status") {
        control::send_json(*response, to_json(status));
      } else if (request.path.ends_with("/history")) {
        control::send_json(*response, to_json(history));
      } else if (request.method == http::Method::post) {
        lines(*response, first);
        ++pid;
      } else if (!attached.empty()) {
        lines(*response, attached.front());
        if (attached.front().back().find("\"exit\":") == std::string::npos) ++pid;
        attached.erase(attached.begin());
      } else {
        control::send_error(*response, {"nothing is under way", control::ExitCode::failed, {}});
      }
    };
  }
};

control::PastCommand past(const std::string& verb, std::uint64_t generation, int exit) {
  control::PastCommand one{.verb = verb,
                           .uid = {},
                           .at = base::rfc3339(std::chrono::system_clock::now()),
                           .generation = generation,
                           .exit = exit,
                           .text = "how it ended",
                           .lines = {}};
  one.lines.push_back({"failed", 900, "how it ended", exit, {}});
  return one;
}

}  // namespace

TEST_CASE("resume: the history of the next daemon says how a deploy ended") {
  Daemons daemons;
  daemons.history.commands = {past("deploy", 1, 0), past("deploy", 2, 6)};
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"deploy", "web"});
  CHECK(outcome.exit == 6);
  CHECK(outcome.out == "deploy web@2\nfailed: how it ended\n");
  CHECK(outcome.err == kGone);
  CHECK(server.stop() == 0);
  CHECK(daemons.asked == std::vector<std::string>{"/v1/apps/web/deploy", "/v1/version", "/v1/apps/web/attach",
                                                  "/v1/apps/web/history"});
}

TEST_CASE("resume: what goes on is followed, over a second death too") {
  Daemons daemons;
  daemons.attached = {{kResumed}, {kResumed, R"({"phase":"done","at_ms":20,"text":"fine","exit":0})"}};
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"deploy", "web"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out == "deploy web@2\ndeploy web@2  goes on\ndeploy web@2  goes on\ndone: fine\n");
  CHECK(outcome.err == std::string(kGone) + kGone);
}

TEST_CASE("resume: another deploy that is under way is not taken for it") {
  Daemons daemons;
  daemons.attached = {{R"({"phase":"deploy","at_ms":1,"text":"web@3","generation":3})",
                       R"({"phase":"done","at_ms":20,"text":"fine","exit":0})"}};
  daemons.history.commands = {past("deploy", 2, 6)};
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"deploy", "web"});
  CHECK(outcome.exit == 6);
  CHECK(outcome.out == "deploy web@2\nfailed: how it ended\n");
}

TEST_CASE("resume: a deploy until its cutover is done when the next daemon guards it") {
  Daemons daemons;
  daemons.attached = {{kResumed}};
  ControlServer server(daemons.script());
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web"}).exit == 0);
}

TEST_CASE("resume: with --json the lines are those of one report") {
  Daemons daemons;
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"--json", "deploy", "web"});
  CHECK(outcome.exit == 6);
  CHECK(outcome.err.empty());
  const std::string gone = R"({"phase":"restarted","text":"the daemon has gone: waiting for the next one"})";
  const std::string end =
      R"({"phase":"failed","text":"the deploy of web aborted: the daemon was restarted, and the daemon )"
      R"(does not know the app","exit":6})";
  CHECK(outcome.out == std::string(kHeading) + "\n" + gone + "\n" + end + "\n");
}

TEST_CASE("resume: the state says how a stop ended, once it has") {
  Daemons daemons;
  daemons.first = {R"({"phase":"stop","at_ms":0,"text":"web@1"})"};
  control::AppStatus web;
  web.name = "web";
  web.state = "stopping";
  daemons.status.apps = {web};
  const auto script = daemons.script();
  int looks = 0;
  ControlServer server([&](const control::Request& request, const ResponseRef& response) {
    if (request.path == "/v1/status" && ++looks == 3) daemons.status.apps.front().state = "stopped";
    script(request, response);
  });
  Outcome outcome = run(server.path(), {"stop", "web"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out.ends_with("web, stays stopped: gvctl start web\n"));
  CHECK(server.stop() == 0);
  CHECK(looks == 3);
}

TEST_CASE("resume: a deploy of several says the end of each app that had none") {
  Daemons daemons;
  daemons.first = {R"({"phase":"begun","text":""})",
                   R"({"phase":"deploy","at_ms":1,"text":"web@2","generation":2,"app":"web"})",
                   R"({"phase":"done","at_ms":9,"text":"api@5","exit_code":0,"app":"api"})"};
  daemons.history.commands = {past("deploy", 2, 10)};
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"--json", "deploy", "web", "api"});
  CHECK(outcome.exit == 8);
  CHECK(outcome.out.ends_with(
      R"({"phase":"failed","at_ms":900,"text":"how it ended","app":"web","exit_code":10})"
      "\n"
      R"({"phase":"failed","text":"1 of 2 deployed; the daemon was restarted meanwhile","exit":8})"
      "\n"));
}

TEST_CASE("resume: a rehearsal is asked for again, and a shutdown is told as aborted") {
  Daemons daemons;
  const auto script = daemons.script();
  ControlServer server([&](const control::Request& request, const ResponseRef& response) {
    script(request, response);
    // The second one goes well.
    if (request.path == "/v1/reload") daemons.first = {R"({"phase":"done","text":"fine","exit":0})"};
  });
  Outcome outcome = run(server.path(), {"reload", "--dry-run"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out.ends_with("done: fine\n"));
  server.on_loop([&] { daemons.first = {R"({"phase":"stop","text":"3 apps"})"}; });
  Outcome shutdown = run(server.path(), {"shutdown"});
  CHECK(shutdown.exit == 6);
  CHECK(shutdown.out.ends_with("failed: the shutdown aborted: the daemon was restarted: gvctl shutdown\n"));
}

TEST_CASE("resume: daemons that keep ending are not asked for ever") {
  Daemons daemons;
  for (int i = 0; i < 20; ++i) daemons.attached.push_back({kResumed});
  ControlServer server(daemons.script());
  Outcome outcome = run(server.path(), {"deploy", "web"});
  CHECK(outcome.exit == 3);
  CHECK(outcome.err.find("  what became of the deploy of web is not known\n") != std::string::npos);
  CHECK(server.stop() == 0);
  CHECK(daemons.attached.size() == 15);
}

TEST_CASE("resume: a daemon that only ends the connection has not gone") {
  Daemons daemons;
  ControlServer server(
      [&, script = daemons.script()](const control::Request& request, const ResponseRef& response) {
        script(request, response);
        daemons.pid = 77;
      });
  const auto line = gvctl::parse_command_line({"deploy", "web"}, "");
  REQUIRE(line);
  const control::Client client(server.path());
  test::Capture out;
  test::Capture err;
  gvctl::Commands commands(*line, client, out.output(), err.output(), gvctl::Style{});
  CHECK_FALSE(commands.greet().has_value());
  CHECK(commands.run() == 3);
  CHECK(err.text() ==
        "gvctl: the daemon ended the connection in the midst of its answer at " + server.path() + "\n");
}

TEST_CASE("resume: what can be asked again is, when the daemon dies over it") {
  int asked = 0;
  ControlServer server([&](const control::Request& /*request*/, const ResponseRef& response) {
    if (++asked <= 2) {
      control::begin_lines(*response);
      return control::send_line(*response, "{");
    }
    control::send_json(*response, to_json(control::StatusReport()));
  });
  Outcome outcome = run(server.path(), {"status"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out == "no apps are configured\n");
  server.on_loop([&] { asked = -100; });
  CHECK(run(server.path(), {"status"}).exit == 3);
  CHECK(server.stop() == 0);
  CHECK(asked == -95);
}
