// attach, wait, history, env and names against a scripted daemon.
#include <doctest/doctest.h>

#include <string>
#include <vector>

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

// Answers with these lines, to the end.
ControlServer::Script lines_of(const std::vector<std::string>& lines, std::vector<std::string>& asked) {
  return [lines, &asked](const control::Request& request, const ResponseRef& response) {
    asked.push_back((request.method == http::Method::get ? "GET " : "POST ") + request.path);
    control::begin_lines(*response);
    for (const std::string& line : lines) control::send_line(*response, line);
    response->end();
  };
}

const std::vector<std::string> kDeploy = {R"({"phase":"deploy","text":"web@2"})",
                                          R"({"phase":"cutover","at_ms":1000,"text":"new requests -> @2"})",
                                          R"({"phase":"failed","at_ms":2000,"text":"web@2","exit":13})"};

control::Environment environment(bool masked) {
  control::Environment message{.instance = "web@43.1", .variables = {}};
  message.variables.push_back({"PORT", "21000", 5, "gracevisor"});
  message.variables.push_back(
      {"SECRET", masked ? std::nullopt : std::optional<std::string>("a\nb=\x1b[31m"), 7, "environment"});
  return message;
}

}  // namespace

TEST_CASE("attach: it shows the whole report and exits as it") {
  std::vector<std::string> asked;
  ControlServer server(lines_of(kDeploy, asked));
  Outcome outcome = run(server.path(), {"attach", "web"});
  CHECK(outcome.exit == 13);
  CHECK(outcome.out == "deploy web@2\n  1.0s cutover  new requests -> @2\nfailed: web@2\n");
  CHECK(run(server.path(), {"--json", "attach", "web"}).out ==
        kDeploy[0] + "\n" + kDeploy[1] + "\n" + kDeploy[2] + "\n");
  CHECK(server.stop() == 0);
  CHECK(asked == std::vector<std::string>{"GET /v1/apps/web/attach", "GET /v1/apps/web/attach"});
}

TEST_CASE("wait: it shows the end alone, of several apps one after the other") {
  std::vector<std::string> asked;
  ControlServer server(lines_of(kDeploy, asked));
  Outcome one = run(server.path(), {"wait", "web"});
  CHECK(one.exit == 13);
  CHECK(one.out == "failed: web@2\n");
  CHECK(run(server.path(), {"wait", "web", "api"}).exit == 8);
  CHECK(server.stop() == 0);
  CHECK(asked ==
        std::vector<std::string>{"GET /v1/apps/web/wait", "GET /v1/apps/web/wait", "GET /v1/apps/api/wait"});
}

TEST_CASE("wait: when its time is over it exits with 124 and what is under way goes on") {
  std::vector<ResponseRef> kept;
  ControlServer server([&](const control::Request& /*request*/, const ResponseRef& response) {
    kept.push_back(response);
    control::begin_lines(*response);
    control::send_line(*response, kDeploy[0]);
  });
  Outcome outcome = run(server.path(), {"wait", "--timeout", "50ms", "web", "api"});
  CHECK(outcome.exit == 124);
  CHECK(outcome.out.empty());
  CHECK(outcome.err == "gvctl: what is under way for web goes on (gvctl attach web)\n");
  CHECK(server.eventually([&] { return kept.size() == 1 && !kept.front()->open(); }));
  server.on_loop([&] { kept.clear(); });
}

TEST_CASE("wait: its time is that of all apps together") {
  std::vector<ResponseRef> kept;
  ControlServer server([&](const control::Request& request, const ResponseRef& response) {
    control::begin_lines(*response);
    if (request.path == "/v1/apps/web/wait") {
      control::send_line(*response, R"({"phase":"done","text":"fine","exit":0})");
      return response->end();
    }
    kept.push_back(response);
  });
  Outcome outcome = run(server.path(), {"wait", "--timeout", "100ms", "web", "api", "third"});
  CHECK(outcome.exit == 124);
  CHECK(outcome.out == "web: done: fine\n");
  CHECK(outcome.err == "gvctl: what is under way for api goes on (gvctl attach api)\n");
  server.on_loop([&] { kept.clear(); });
}

TEST_CASE("attach and wait: an end that nobody told is a failure, and Ctrl-C ends the wait alone") {
  std::vector<std::string> asked;
  ControlServer server(lines_of({kDeploy[0]}, asked));
  Outcome outcome = run(server.path(), {"attach", "web"});
  CHECK(outcome.exit == 1);
  CHECK(outcome.err == "gvctl: the daemon did not say how it ended\n");
  auto pipe = base::make_pipe();
  REQUIRE(pipe);
  REQUIRE(::write(pipe->write_end.get(), "!", 1) == 1);
  ResponseRef kept;
  ControlServer silent(
      [&](const control::Request& /*request*/, const ResponseRef& response) { kept = response; });
  Outcome interrupted = run(silent.path(), {"wait", "web", "api"}, pipe->read_end.get());
  CHECK(interrupted.exit == 124);
  CHECK(interrupted.err == "gvctl: no longer waiting: what is under way for web goes on\n");
  silent.on_loop([&] { kept.reset(); });
}

TEST_CASE("history: the commands of an app, or the reports of a generation") {
  std::vector<std::string> asked;
  ControlServer server([&](const control::Request& request, const ResponseRef& response) {
    std::string query;
    for (const auto& [name, value] : request.query) query.append("?").append(name).append("=").append(value);
    asked.push_back(request.path + query);
    control::History message{.app = "web", .commands = {}};
    message.commands.push_back({"deploy", 1000, "2026-11-29T12:00:00Z", 43, 10, "web@43", {}});
    message.commands.back().lines.push_back({"failed", 1000, "web@43", 10, {}});
    control::send_json(*response, to_json(message));
  });
  Outcome all = run(server.path(), {"history", "web"});
  CHECK(all.exit == 0);
  CHECK(all.out.find("deploy   uid 1000  exit 10: web@43\n") != std::string::npos);
  Outcome one = run(server.path(), {"history", "web@43"});
  CHECK(one.out.find("deploy by uid 1000\nfailed: web@43\n") != std::string::npos);
  CHECK(server.stop() == 0);
  CHECK(asked == std::vector<std::string>{"/v1/apps/web/history", "/v1/apps/web/history?generation=43"});
}

TEST_CASE("env: values are masked, and unmasked where that is asked for, harmless on a line each") {
  std::vector<std::string> asked;
  ControlServer server([&](const control::Request& request, const ResponseRef& response) {
    asked.push_back(request.path);
    control::send_json(*response, to_json(environment(!request.path.ends_with("/values"))));
  });
  CHECK(run(server.path(), {"env", "web"}).out ==
        "web@43.1\ngracevisor   PORT=21000\nenvironment  SECRET=*** (7 bytes)\n");
  CHECK(run(server.path(), {"env", "--unmask", "web"}).out == "PORT=21000\nSECRET=a\\x0ab=\\x1b[31m\n");
  CHECK(server.stop() == 0);
  CHECK(asked == std::vector<std::string>{"/v1/apps/web/environment", "/v1/apps/web/environment/values"});
}

TEST_CASE("names: apps, and with --generations what else can be named") {
  ControlServer server([&](const control::Request& /*request*/, const ResponseRef& response) {
    control::StatusReport report;
    control::AppStatus web;
    web.name = "web";
    for (const char* name : {"43.1", "43.2", "42.1"}) {
      web.instances.emplace_back().name = name;
    }
    control::AppStatus api;
    api.name = "api";
    report.apps = {web, api};
    control::send_json(*response, to_json(report));
  });
  CHECK(run(server.path(), {"names"}).out == "web\napi\n");
  CHECK(run(server.path(), {"names", "--generations"}).out ==
        "web\nweb@43\nweb@43.1\nweb@43.2\nweb@42\nweb@42.1\napi\n");
  Outcome nobody = run("/nonexistent/gv.sock", {"names"});
  CHECK(nobody.exit == 1);
  CHECK(nobody.out.empty());
  CHECK(nobody.err.empty());
}
