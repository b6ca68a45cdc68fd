// gvctl's commands against a real server with a scripted daemon behind it: what is asked, what is shown, and
// the exit code.
#include "gvctl/commands.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "control/answers.h"
#include "control/messages.h"
#include "run.h"
#include "support/control_server.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;
using control::ExitCode;
using test::Capture;
using test::ControlServer;
using test::Outcome;
using test::run;

namespace {

// Knows the apps web and api; web deploys well, api does not; remembers what it was asked.
struct Daemon {
  std::vector<std::string> asked;

  ControlServer::Script script() {
    return [this](const control::Request& request, const std::shared_ptr<serve::Response>& response) {
      bool post = request.method == http::Method::post;
      std::string query;
      for (const auto& [name, value] : request.query)
        query.append(" ").append(name).append("=").append(value);
      asked.push_back((post ? "POST " : "GET ") + request.path + query + " " + request.body);
      post ? command(request, *response) : answer(request, *response);
    };
  }

  static control::AppStatus app(const std::string& name) {
    control::AppStatus status;
    status.name = name;
    status.state = "live";
    return status;
  }

  static void answer(const control::Request& request, serve::Response& response) {
    if (request.path == "/v1/version") {
      control::send_json(response, control::to_json(control::Version{"9.9", 77}));
    } else if (request.path == "/v1/status") {
      control::StatusReport report;
      report.apps = {app("api"), app("web")};
      control::send_json(response, control::to_json(report));
    } else if (request.path == "/v1/apps/web/logs") {
      control::begin_lines(response);
      control::send_line(response, control::to_json(control::LogLine{"43.1", "out", "T1", "one"}));
      control::send_line(response, control::to_json(control::LogLine{"43.2", "err", "T2", "two"}));
      response.end();
    } else {
      control::send_error(response, {"no such app", ExitCode::no_such_app, {}});
    }
  }

  static void command(const control::Request& request, serve::Response& response) {
    if (request.path == "/v1/apps/busy/deploy") {
      return control::send_error(
          response, {"web is being deployed", ExitCode::busy, {"web@43 since 3 s, in checking"}});
    }
    if (request.path == "/v1/apps/odd/deploy") return control::send_json(response, "{}");
    if (request.path == "/v1/reload") return several(response);
    bool bad = request.path == "/v1/apps/api/deploy";
    control::begin_lines(response);
    control::send_line(response, R"({"phase":"deploy","at_ms":0,"text":"x@2"})");
    control::send_line(response, bad ? R"({"phase":"failed","at_ms":5,"text":"x@2","exit":10})"
                                     : R"({"phase":"done","at_ms":5,"text":"fine","exit":0,"requests":7})");
    response.end();
  }

  static void several(serve::Response& response) {
    control::begin_lines(response);
    for (const char* line :
         {R"({"phase":"deploy","at_ms":0,"text":"2 apps"})", R"({"phase":"begun","text":""})",
          R"({"phase":"cutover","at_ms":100,"text":"@2","app":"api"})",
          R"({"phase":"failed","at_ms":200,"text":"@2","app":"web"})",
          R"({"phase":"failed","at_ms":300,"text":"1 of 2 failed","exit":8})"}) {
      control::send_line(response, line);
    }
    response.end();
  }
};

// The body that asks for it; `names`: in quotation marks.
std::string deploy_of(const std::string& names, bool dry_run = false) {
  return R"({"apps":[)" + names + R"(],"dry_run":)" + (dry_run ? "true" : "false") +
         R"(,"remove":false,"deploy":true})";
}

}  // namespace

TEST_CASE("gvctl: status of all, of some, and of what is not there") {
  Daemon daemon;
  ControlServer server(daemon.script());
  const std::string head = "APP  GEN  STATE  INSTANCES  REQ/S  5XX  CPU  MEM  UP  ADDRESS\n";
  const std::string api = "api  -    live   -              -    -    -    -   -\n";
  const std::string web = "web  -    live   -              -    -    -    -   -\n";
  CHECK(run(server.path(), {"status"}).out == head + api + web);
  CHECK(run(server.path(), {"ls", "all"}).out == head + api + web);
  CHECK(run(server.path(), {"ls", "w*"}).out == head + web);
  Outcome some = run(server.path(), {"status", "web", "nope"});
  CHECK(some.exit == 8);
  CHECK(some.out == head + web);
  CHECK(some.err == "gvctl: no app \"nope\"\n");
  CHECK(run(server.path(), {"status", "nope"}).exit == 4);
  CHECK(run(server.path(), {"status", "nope-*"}).exit == 4);
}

TEST_CASE("gvctl: with --json everything is an object on a line, failures too") {
  Daemon daemon;
  ControlServer server(daemon.script());
  Outcome status = run(server.path(), {"--json", "status", "web", "nope"});
  control::StatusReport report;
  report.apps = {Daemon::app("web")};
  CHECK(status.out == control::to_json(report) + "\n" + R"({"error":"no app \"nope\"","exit":4})" + "\n");
  CHECK(status.err.empty());
  Outcome deploy = run(server.path(), {"--json", "deploy", "web"});
  CHECK(deploy.out == R"({"phase":"deploy","at_ms":0,"text":"x@2"})"
                      "\n"
                      R"({"phase":"done","at_ms":5,"text":"fine","exit":0,"requests":7})"
                      "\n");
  CHECK(run(server.path(), {"--json", "version"}).out == "{\"version\":\"9.9\",\"pid\":77}\n");
}

TEST_CASE("gvctl: a deploy shows its report and exits as it says") {
  Daemon daemon;
  ControlServer server(daemon.script());
  Outcome good = run(server.path(), {"deploy", "web"});
  CHECK(good.exit == 0);
  CHECK(good.out == "deploy x@2\ndone: fine\n");
  CHECK(run(server.path(), {"deploy", "api"}).exit == 10);
  Outcome both = run(server.path(), {"deploy", "api", "web"});
  CHECK(both.exit == 8);
  CHECK(both.out ==
        "deploy 2 apps\n  0.1s api      cutover  @2\n  0.2s web      failed   @2\nfailed: 1 of 2 failed\n");
  CHECK(run(server.path(), {"restart", "all"}).exit == 8);
  CHECK(server.stop() == 0);
  const std::string several = "POST /v1/reload " + deploy_of(R"("api","web")");
  CHECK(daemon.asked == std::vector<std::string>{"POST /v1/apps/web/deploy {}", "POST /v1/apps/api/deploy {}",
                                                 several, "GET /v1/status ", several});
}

TEST_CASE("gvctl: refusals come with their details, and an answer without a result is a failure") {
  Daemon daemon;
  ControlServer server(daemon.script());
  Outcome busy = run(server.path(), {"deploy", "busy"});
  CHECK(busy.exit == 5);
  CHECK(busy.err == "gvctl: web is being deployed\n  web@43 since 3 s, in checking\n");
  Outcome odd = run(server.path(), {"deploy", "odd"});
  CHECK(odd.exit == 1);
  CHECK(odd.err == "gvctl: the daemon did not say how the deploy of odd ended\n");
}

TEST_CASE("gvctl: start, stop, abort and shutdown ask what they should") {
  Daemon daemon;
  ControlServer server(daemon.script());
  CHECK(run(server.path(), {"start", "web"}).exit == 0);
  CHECK(run(server.path(), {"start", "--same", "web"}).exit == 0);
  CHECK(run(server.path(), {"stop", "web"}).exit == 0);
  CHECK(run(server.path(), {"stop", "--now", "web"}).exit == 0);
  CHECK(run(server.path(), {"abort", "web"}).exit == 0);
  CHECK(run(server.path(), {"shutdown"}).exit == 0);
  CHECK(server.stop() == 0);
  CHECK(daemon.asked == std::vector<std::string>{R"(POST /v1/apps/web/start {"same":false})",
                                                 R"(POST /v1/apps/web/start {"same":true})",
                                                 R"(POST /v1/apps/web/stop {"now":false})",
                                                 R"(POST /v1/apps/web/stop {"now":true})",
                                                 "POST /v1/apps/web/abort {}", "POST /v1/shutdown {}"});
}

TEST_CASE("gvctl: logs are prefixed with what can be pasted") {
  Daemon daemon;
  ControlServer server(daemon.script());
  CHECK(run(server.path(), {"logs", "web"}).out == "web@43.1  one\nweb@43.2  two\n");
  CHECK(run(server.path(), {"logs", "-f", "-t", "-n", "5", "web@43"}).out ==
        "web@43.1  T1  one\nweb@43.2  T2  two\n");
  CHECK(run(server.path(), {"logs", "web@43.1"}).out == "one\ntwo\n");
  CHECK(run(server.path(), {"logs", "nope"}).exit == 4);
  CHECK(server.stop() == 0);
  CHECK(daemon.asked[0] == "GET /v1/apps/web/logs n=100 ");
  CHECK(daemon.asked[1] == "GET /v1/apps/web/logs follow=1 instance=43 n=5 ");
}

TEST_CASE("gvctl: without a daemon every command exits with 3") {
  test::TempFolder folder;
  std::string nowhere = (folder / "gv.sock").string();
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"status"},
                                                    {"deploy", "web"},
                                                    {"deploy", "all"},
                                                    {"logs", "web"},
                                                    {"version"}}) {
    Outcome outcome = run(nowhere, arguments);
    CHECK(outcome.exit == 3);
    CHECK(outcome.err.starts_with("gvctl: no daemon at " + nowhere));
  }
}

TEST_CASE("gvctl: an interrupted deploy goes on without its watcher") {
  std::shared_ptr<serve::Response> kept;
  ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        kept = response;
        control::begin_lines(*kept);
        control::send_line(*kept, R"({"phase":"deploy","text":"web@2"})");
      });
  auto pipe = base::make_pipe();
  REQUIRE(pipe);
  REQUIRE(::write(pipe->write_end.get(), "!", 1) == 1);
  Outcome outcome = run(server.path(), {"deploy", "web"}, pipe->read_end.get());
  CHECK(outcome.exit == 124);
  CHECK(outcome.err == "gvctl: no longer waiting: the deploy of web goes on (gvctl status)\n");
  // It was begun, and its watcher has gone.
  CHECK(server.eventually([&] { return kept != nullptr && !kept->open(); }));
  server.on_loop([&] { kept.reset(); });
}

TEST_CASE("gvctl: with --no-wait a deploy that has begun is enough") {
  std::shared_ptr<serve::Response> kept;
  ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        kept = response;
        control::begin_lines(*kept);
        control::send_line(*kept, R"({"phase":"deploy","text":"web@2"})");
      });
  Outcome outcome = run(server.path(), {"deploy", "--no-wait", "web"});
  CHECK(outcome.exit == 0);
  CHECK(outcome.out == "deploy web@2\n");
  server.on_loop([&] { kept.reset(); });
}

TEST_CASE("gvctl: when nobody reads on, logs end quietly and a deploy is still waited for") {
  Daemon daemon;
  ControlServer server(daemon.script());
  control::Client client(server.path());
  Capture err;
  {
    Capture out;
    out.close();
    auto line = parse_command_line({"logs", "web"}, "");
    REQUIRE(line);
    CHECK(Commands(*line, client, out.output(), err.output(), Style{}).run() == 0);
    CHECK(out.output().failure() == EPIPE);
  }
  Capture out;
  out.close();
  auto line = parse_command_line({"deploy", "api"}, "");
  REQUIRE(line);
  CHECK(Commands(*line, client, out.output(), err.output(), Style{}).run() == 10);
  CHECK(err.text().empty());
}

TEST_CASE("gvctl: a socket that is not for this user exits with 7 and a path that none can have with 2") {
  if (::geteuid() != 0) return;  // only root can become somebody else
  ControlServer server(
      [](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        control::send_json(*response, "{}");
      });
  REQUIRE(::seteuid(65534) == 0);
  Outcome refused = run(server.path(), {"status"});
  Outcome deploy = run(server.path(), {"deploy", "web"});
  REQUIRE(::seteuid(0) == 0);
  CHECK(refused.exit == 7);
  CHECK(refused.err.starts_with("gvctl: no permission to use " + server.path() + " (Permission denied)"));
  CHECK(deploy.exit == 7);
  Outcome too_long = run("/" + std::string(200, 'x'), {"status"});
  CHECK(too_long.exit == 2);
  CHECK(too_long.err.find(std::string(200, 'x')) != std::string::npos);
}

TEST_CASE("gvctl: what the daemon as a whole is short of stands below its apps") {
  ControlServer server(
      [](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        control::StatusReport report;
        report.problems = {{"remark", "3 connections of clients were turned away"}};
        control::send_json(*response, control::to_json(report));
      });
  CHECK(run(server.path(), {"status"}).out ==
        "no apps are configured\n!  3 connections of clients were turned away\n");
}

TEST_CASE("gvctl: kill, signal and scale ask what they should") {
  Daemon daemon;
  ControlServer server(daemon.script());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"kill", "web"},
                                                {"kill", "web@43", "web@43.1"},
                                                {"signal", "HUP", "web"},
                                                {"signal", "--group", "--force", "19", "web@43.2"},
                                                {"scale", "web", "4"},
                                                {"scale", "web", "+2"},
                                                {"scale", "web", "-1"},
                                                {"scale", "web", "file"}}) {
    CHECK(run(server.path(), words).exit == 0);
  }
  CHECK(server.stop() == 0);
  CHECK(daemon.asked ==
        std::vector<std::string>{
            R"(POST /v1/apps/web/kill {"instance":""})", R"(POST /v1/apps/web/kill {"instance":"43"})",
            R"(POST /v1/apps/web/kill {"instance":"43.1"})",
            R"(POST /v1/apps/web/signal {"signal":"HUP","instance":"","group":false,"force":false})",
            R"(POST /v1/apps/web/signal {"signal":"19","instance":"43.2","group":true,"force":true})",
            R"(POST /v1/apps/web/scale {"instances":4,"more":null,"file":false})",
            R"(POST /v1/apps/web/scale {"instances":null,"more":2,"file":false})",
            R"(POST /v1/apps/web/scale {"instances":null,"more":-1,"file":false})",
            R"(POST /v1/apps/web/scale {"instances":null,"more":null,"file":true})"});
}

TEST_CASE("gvctl: patterns and instances in one command are refused before anything is asked for") {
  Daemon daemon;
  ControlServer server(daemon.script());
  Outcome mixed = run(server.path(), {"kill", "web@43", "a*"});
  CHECK(mixed.exit == 2);
  CHECK(mixed.err == "gvctl: patterns and generations cannot be mixed: give them in two commands\n");
  CHECK(server.stop() == 0);
  CHECK(daemon.asked.empty());
}

TEST_CASE("gvctl: a rehearsed deploy is one command of the daemon, of one app too") {
  Daemon daemon;
  ControlServer server(daemon.script());
  (void)run(server.path(), {"deploy", "--dry-run", "web"});
  (void)run(server.path(), {"deploy", "--dry-run", "web", "api", "web"});
  CHECK(server.stop() == 0);
  CHECK(daemon.asked == std::vector<std::string>{"POST /v1/reload " + deploy_of("\"web\"", true),
                                                 "POST /v1/reload " + deploy_of("\"web\",\"api\"", true)});
}

TEST_CASE(
    "gvctl: a deploy until its cutover returns there, with several once the last is there or has failed") {
  std::shared_ptr<serve::Response> kept;
  std::vector<std::string> lines;
  ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        kept = response;  // the guard goes on
        control::begin_lines(*kept);
        for (const std::string& line : lines) control::send_line(*kept, line);
        if (lines.back().find("\"exit\"") != std::string::npos) kept->end();
      });
  const std::string heading = R"({"phase":"deploy","text":"it"})";
  const auto at = [](const std::string& phase, const std::string& app) {
    return R"({"phase":")" + phase + R"(","text":"@2")" + (app.empty() ? "" : R"(,"app":")" + app + '"') +
           "}";
  };
  // Its thread may still be sending when gvctl has gone.
  const auto answer = [&](std::vector<std::string> next) {
    server.on_loop([&] { lines = std::move(next); });
  };
  answer({heading, at("cutover", "")});
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web"}).exit == 0);
  answer({heading, at("cutover", "web"), at("cutover", "api")});
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web", "api"}).exit == 0);
  answer({heading, at("failed", "web"), at("cutover", "api")});
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web", "api"}).exit == 8);
  // One that ends before its cutover gives its own exit code.
  answer({heading, R"({"phase":"failed","text":"@2","exit":10})"});
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web"}).exit == 10);
  // The other one has not got there.
  answer({heading, at("cutover", "web"), R"({"phase":"failed","text":"1 of 2","exit":8})"});
  CHECK(run(server.path(), {"deploy", "--until", "cutover", "web", "api"}).exit == 8);
  server.on_loop([&] { kept.reset(); });
}

TEST_CASE("gvctl: how the files differ is said once per command, however old it has become") {
  const std::vector<std::string> differences = {
      R"("text":"gv.toml changed 0 s ago: web is new","keys":["app.web"])",
      R"("text":"gv.toml changed 1 s ago: web is new","keys":["app.web"])",
      R"("text":"gv.toml changed 1 s ago: api is new","keys":["app.api"])",
      R"("text":"gv.toml cannot be put into force: x")", R"("text":"gv.toml cannot be put into force: x")"};
  std::size_t asked = 0;
  ControlServer server([&](const control::Request&, const std::shared_ptr<serve::Response>& response) {
    REQUIRE(asked < differences.size());
    control::begin_lines(*response);
    control::send_line(*response, R"({"phase":"drift","at_ms":0,)" + differences[asked++] + "}");
    control::send_line(*response, R"({"phase":"stopped","at_ms":5,"text":"it","exit":0})");
    response->end();
  });
  Outcome outcome = run(server.path(), {"stop", "a", "b", "c", "d", "e"});
  CHECK(server.stop() == 0);
  CHECK(outcome.exit == 0);
  CHECK(asked == differences.size());
  CHECK(outcome.out ==
        "  drift    gv.toml changed 0 s ago: web is new\n"
        "  0.0s stopped  it\n"
        "  0.0s stopped  it\n"
        "  drift    gv.toml changed 1 s ago: api is new\n"
        "  0.0s stopped  it\n"
        "  drift    gv.toml cannot be put into force: x\n"
        "  0.0s stopped  it\n"
        "  0.0s stopped  it\n");
}
