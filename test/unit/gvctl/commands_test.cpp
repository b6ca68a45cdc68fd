// gvctl's commands against a real server with a scripted daemon behind it: what is asked, what is shown, and
// the exit code.
#include "gvctl/commands.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "control/messages.h"
#include "support/control_server.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;
using control::ExitCode;
using test::ControlServer;

namespace {

base::Pipe pipe_or_fail() {
  base::Expected<base::Pipe> made = base::make_pipe();
  REQUIRE(made.has_value());
  base::Pipe ends;
  std::swap(ends, made.value());
  return ends;
}

// An Output that is read back.
class Capture {
 public:
  Capture() : pipe_(pipe_or_fail()), output_(pipe_.write_end.get()) {}
  Output& output() { return output_; }
  // Nobody reads what comes from now on.
  void close() { pipe_.read_end.reset(); }
  // What was written; only once, at the end.
  std::string text() {
    pipe_.write_end.reset();
    std::string all;
    std::array<char, 4096> space{};
    for (;;) {
      ssize_t count = ::read(pipe_.read_end.get(), space.data(), space.size());
      if (count <= 0) return all;
      all.append(space.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  base::Pipe pipe_;
  Output output_;
};

struct Outcome {
  int exit = -1;
  std::string out;
  std::string err;
};

Outcome run(const std::string& socket, const std::vector<std::string>& arguments, int interrupt = -1) {
  auto line = parse_command_line(arguments, "");
  REQUIRE(line);
  control::Client client(socket, {interrupt, base::Millis(10000)});
  Capture out;
  Capture err;
  Outcome outcome;
  outcome.exit = Commands(*line, client, out.output(), err.output(), Style{}).run();
  outcome.out = out.text();
  outcome.err = err.text();
  return outcome;
}

// Knows the apps web and api; web deploys well, api does not; remembers what it was asked.
struct Daemon {
  std::vector<std::string> asked;

  ControlServer::Script script() {
    return [this](const control::Request& request, const std::shared_ptr<control::Reply>& reply) {
      bool post = request.method == http::Method::post;
      std::string query;
      for (const auto& [name, value] : request.query)
        query.append(" ").append(name).append("=").append(value);
      asked.push_back((post ? "POST " : "GET ") + request.path + query + " " + request.body);
      post ? command(request, *reply) : answer(request, *reply);
    };
  }

  static control::AppStatus app(const std::string& name) {
    control::AppStatus status;
    status.name = name;
    status.state = "live";
    return status;
  }

  static void answer(const control::Request& request, control::Reply& reply) {
    if (request.path == "/v1/version") {
      reply.json(200, control::to_json(control::Version{"9.9", 77}));
    } else if (request.path == "/v1/status") {
      control::StatusReport report;
      report.apps = {app("api"), app("web")};
      reply.json(200, control::to_json(report));
    } else if (request.path == "/v1/apps/web" || request.path == "/v1/apps/api") {
      reply.json(200, control::to_json(app(request.path.substr(9))));
    } else if (request.path == "/v1/apps/web/logs") {
      reply.begin_stream();
      reply.line(control::to_json(control::LogLine{"43.1", "out", "T1", "one"}));
      reply.line(control::to_json(control::LogLine{"43.2", "err", "T2", "two"}));
      reply.end();
    } else {
      reply.error({"no such app", ExitCode::no_such_app, {}});
    }
  }

  static void command(const control::Request& request, control::Reply& reply) {
    if (request.path == "/v1/apps/busy/deploy") {
      return reply.error({"web is being deployed", ExitCode::busy, {"web@43 since 3 s, in checking"}});
    }
    if (request.path == "/v1/apps/odd/deploy") return reply.json(200, "{}");
    bool bad = request.path == "/v1/apps/api/deploy";
    reply.begin_stream();
    reply.line(R"({"phase":"deploy","at_ms":0,"text":"x@2"})");
    reply.line(bad ? R"({"phase":"failed","at_ms":5,"text":"x@2","exit":10})"
                   : R"({"phase":"done","at_ms":5,"text":"fine","exit":0,"requests":7})");
    reply.end();
  }
};

}  // namespace

TEST_CASE("gvctl: status of all, of some, and of what is not there") {
  Daemon daemon;
  ControlServer server(daemon.script());
  CHECK(run(server.path(), {"status"}).out == "api   live\nweb   live\n");
  CHECK(run(server.path(), {"ls", "all"}).out == "api   live\nweb   live\n");
  CHECK(run(server.path(), {"ls", "w*"}).out == "web   live\n");
  Outcome some = run(server.path(), {"status", "web", "nope"});
  CHECK(some.exit == 8);
  CHECK(some.out == "web   live\n");
  CHECK(some.err == "gvctl: no such app\n");
  CHECK(run(server.path(), {"status", "nope"}).exit == 4);
  CHECK(run(server.path(), {"status", "nope-*"}).exit == 4);
}

TEST_CASE("gvctl: with --json everything is an object on a line, failures too") {
  Daemon daemon;
  ControlServer server(daemon.script());
  Outcome status = run(server.path(), {"--json", "status", "web", "nope"});
  CHECK(status.out ==
        control::to_json(Daemon::app("web")) + "\n" + R"({"error":"no such app","exit":4})" + "\n");
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
  CHECK(run(server.path(), {"deploy", "api", "web"}).exit == 8);
  CHECK(run(server.path(), {"restart", "all"}).exit == 8);
  CHECK(server.stop() == 0);
  CHECK(daemon.asked == std::vector<std::string>{"POST /v1/apps/web/deploy {}", "POST /v1/apps/api/deploy {}",
                                                 "POST /v1/apps/api/deploy {}", "POST /v1/apps/web/deploy {}",
                                                 "GET /v1/status ", "POST /v1/apps/api/deploy {}",
                                                 "POST /v1/apps/web/deploy {}"});
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
  CHECK(run(server.path(), {"stop", "web"}).exit == 0);
  CHECK(run(server.path(), {"stop", "--now", "web"}).exit == 0);
  CHECK(run(server.path(), {"abort", "web"}).exit == 0);
  CHECK(run(server.path(), {"shutdown"}).exit == 0);
  CHECK(server.stop() == 0);
  CHECK(daemon.asked == std::vector<std::string>{"POST /v1/apps/web/start {}",
                                                 R"(POST /v1/apps/web/stop {"now":false})",
                                                 R"(POST /v1/apps/web/stop {"now":true})",
                                                 "POST /v1/apps/web/abort {}", "POST /v1/shutdown {}"});
}

TEST_CASE("gvctl: logs are prefixed with what can be pasted") {
  Daemon daemon;
  ControlServer server(daemon.script());
  CHECK(run(server.path(), {"logs", "web"}).out == "web@43.1  one\nweb@43.2  two\n");
  CHECK(run(server.path(), {"logs", "-f", "-t", "-n", "5", "web@43.1"}).out ==
        "web@43.1  T1  one\nweb@43.2  T2  two\n");
  CHECK(run(server.path(), {"logs", "nope"}).exit == 4);
  CHECK(server.stop() == 0);
  CHECK(daemon.asked[0] == "GET /v1/apps/web/logs n=100 ");
  CHECK(daemon.asked[1] == "GET /v1/apps/web/logs follow=1 instance=43.1 n=5 ");
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
  std::shared_ptr<control::Reply> kept;
  ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<control::Reply>& reply) {
        kept = reply;
        kept->begin_stream();
        kept->line(R"({"phase":"deploy","text":"web@2"})");
      });
  auto pipe = base::make_pipe();
  REQUIRE(pipe);
  REQUIRE(::write(pipe->write_end.get(), "!", 1) == 1);
  Outcome outcome = run(server.path(), {"deploy", "web", "api"}, pipe->read_end.get());
  CHECK(outcome.exit == 124);
  CHECK(outcome.err == "gvctl: no longer waiting: the deploy of web goes on (gvctl status)\n");
  // It was begun, and its watcher has gone.
  CHECK(server.eventually([&] { return kept != nullptr && !kept->open(); }));
  server.on_loop([&] { kept.reset(); });
}

TEST_CASE("gvctl: with --no-wait a deploy that has begun is enough") {
  std::shared_ptr<control::Reply> kept;
  ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<control::Reply>& reply) {
        kept = reply;
        kept->begin_stream();
        kept->line(R"({"phase":"deploy","text":"web@2"})");
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
  ControlServer server([](const control::Request& /*request*/, const std::shared_ptr<control::Reply>& reply) {
    reply->json(200, "{}");
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
  ControlServer server([](const control::Request& /*request*/, const std::shared_ptr<control::Reply>& reply) {
    control::StatusReport report;
    report.problems = {"3 connections of clients were turned away"};
    reply->json(200, control::to_json(report));
  });
  CHECK(run(server.path(), {"status"}).out ==
        "no apps are configured\n!  3 connections of clients were turned away\n");
}
