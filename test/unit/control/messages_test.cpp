#include "control/messages.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "unit/control/samples.h"

using namespace gracevisor::control;

namespace {

StatusReport sample() {
  InstanceStatus waiting;
  waiting.name = "42.2";
  waiting.state = "backoff";
  waiting.failures = 6;
  waiting.due_s = 7;
  waiting.last_exit = "exit 1";
  AppStatus app = gracevisor::test::live_app();
  app.repaired = 2;
  app.listens = {"public"};
  app.routes = {"example.com/api", "/"};
  app.instances = {gracevisor::test::running_instance(), waiting};
  app.problems = {{"deploy-failed", "the deploy of @43 failed"}};
  return gracevisor::test::status_of(app);
}

}  // namespace

TEST_CASE("messages: a status report means the same after the journey") {
  auto read = read_status(to_json(sample()));
  REQUIRE(read);
  CHECK(read->version == "0.1.0");
  CHECK(read->pid == 77);
  CHECK(read->uptime_s == 9000);
  CHECK(read->workers == 2);
  CHECK(read->epoch == 9);
  REQUIRE(read->apps.size() == 1);
  const AppStatus& app = read->apps[0];
  CHECK(app.name == "web");
  CHECK(app.state == "live");
  CHECK(app.generation == 42);
  CHECK(app.healthy == 1);
  CHECK(app.wanted == 2);
  CHECK(app.requests == 14092);
  CHECK(app.failed == 3);
  CHECK(app.repaired == 2);
  CHECK(app.since_s == 7300);
  CHECK(app.listens == std::vector<std::string>{"public"});
  CHECK(app.routes == std::vector<std::string>{"example.com/api", "/"});
  REQUIRE(app.deploy);
  CHECK(app.deploy->generation == 42);
  CHECK(app.deploy->exit == 0);
  CHECK(app.problems == std::vector<Problem>{{"deploy-failed", "the deploy of @43 failed"}});
  CHECK(app.stopped_uid == 1000);
  CHECK(app.stopped_s == 172800);
  REQUIRE(app.instances.size() == 2);
  CHECK(app.instances[0].name == "42.1");
  CHECK(app.instances[0].state == "healthy");
  CHECK(app.instances[0].pid == 4711);
  CHECK(app.instances[0].endpoint == ":21004");
  CHECK(app.instances[0].uptime_s == 7200);
  CHECK(app.instances[0].in_flight == 13);
  CHECK(app.instances[0].upgraded == 4);
  CHECK(app.instances[0].restarts == 2);
  CHECK(app.instances[0].memory_bytes == 325058560);
  CHECK(app.instances[0].cpu_percent == 12.5);
  CHECK(app.instances[0].probe_ms == 3);
  CHECK_FALSE(app.instances[1].uptime_s);
  CHECK_FALSE(app.instances[1].probe_ms);
  CHECK(app.instances[1].due_s == 7);
  CHECK(app.instances[1].last_exit == "exit 1");
  CHECK(to_json(*read) == to_json(sample()));
}

TEST_CASE("messages: a report line keeps its moment, its exit and its further members") {
  ReportLine line{"cutover", 1700, "new requests -> @42", 13, {}};
  line.fields = {{"epoch", std::int64_t{9}}, {"hot", true}, {"load", 0.5}, {"old", std::string("@41")}};
  line.app = "web";
  auto read = read_report_line(to_json(line));
  REQUIRE(read);
  CHECK(read->phase == "cutover");
  CHECK(read->at_ms == 1700);
  CHECK(read->text == "new requests -> @42");
  CHECK(read->exit == 13);
  CHECK(read->app == "web");
  REQUIRE(read->fields.size() == 4);
  for (const auto& field : line.fields) {
    CHECK(std::find(read->fields.begin(), read->fields.end(), field) != read->fields.end());
  }
}

TEST_CASE("messages: a further member cannot take the place of a member of the line") {
  ReportLine line{"done", 5, "ok", 0, {{"exit", std::int64_t{7}}, {"phase", std::string("failed")}}};
  CHECK(to_json(line) == R"({"phase":"done","at_ms":5,"text":"ok","exit":0})");
}

TEST_CASE("messages: every message is one line, whatever an app wrote into it") {
  LogLine line{"43.1", "out", "2026-11-22T20:00:00Z", "a\nb\r\x01\xff\xfe \"quoted\""};
  std::string json = to_json(line);
  CHECK(json.find('\n') == std::string::npos);
  auto read = read_log_line(json);
  REQUIRE(read);
  CHECK(read->line == "a\nb\r\x01\xef\xbf\xbd\xef\xbf\xbd \"quoted\"");
  CHECK(read->instance == "43.1");
  CHECK(read->stream == "out");
  CHECK(read->time == "2026-11-22T20:00:00Z");
}

TEST_CASE("messages: unknown members are ignored and missing ones have their defaults") {
  auto report = read_status(R"({"novelty":[1,{"x":2}],"apps":[{"name":"web","since_s":null}]})");
  REQUIRE(report);
  REQUIRE(report->apps.size() == 1);
  CHECK(report->apps[0].name == "web");
  CHECK(report->apps[0].generation == 0);
  CHECK_FALSE(report->apps[0].since_s);
  CHECK(read_version("{}")->version.empty());
  CHECK(read_version(to_json(Version{"1.2.3", 4}))->version == "1.2.3");
}

TEST_CASE("messages: what is no message of ours is an error, never a crash") {
  for (const char* text :
       {"", "nonsense", "[]", "3", "null", "{", R"({"pid":"x"})", R"({"pid":1.5})", R"({"pid":-99999999999})",
        R"({"uptime_s":-1})", R"({"apps":{}})", R"({"apps":[3]})", R"({"apps":[{"routes":[1]}]})",
        R"({"apps":[{"instances":7}]})", R"({"apps":[{"instances":[{"pid":1e30}]}]})", R"({"version":{}})"}) {
    CAPTURE(text);
    CHECK_FALSE(read_status(text));
  }
  CHECK_FALSE(read_status(std::string(500000, '[')));
  CHECK_FALSE(read_status(R"({"apps":)" + std::string(500000, '[')));
  CHECK_FALSE(read_report_line(R"({"exit":"0"})"));
  CHECK_FALSE(read_log_line(R"({"line":0})"));
  CHECK(read_status(R"({"apps":7})").error().what == "status.apps: not an array");
}

TEST_CASE("messages: brackets within a text do not count as depth") {
  CHECK(read_version(R"({"version":"[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["})"));
}

TEST_CASE("errors: the HTTP status decides the exit code, and where it says nothing the body does") {
  CHECK(read_error(404, "").exit == ExitCode::no_such_app);
  CHECK(read_error(409, "").exit == ExitCode::busy);
  CHECK(read_error(422, R"({"exit":9})").exit == ExitCode::usage);
  CHECK(read_error(403, "").exit == ExitCode::not_permitted);
  CHECK(read_error(400, "").exit == ExitCode::usage);
  CHECK(read_error(500, R"({"exit":9})").exit == ExitCode::preflight_failed);
  CHECK(read_error(503, "<html>").exit == ExitCode::failed);
  CHECK(read_error(500, R"({"exit":0})").exit == ExitCode::failed);
  CHECK(read_error(500, R"({"exit":70000})").exit == ExitCode::failed);
  CHECK(read_error(500, "x").error == "the daemon answered 500");
  Error error = read_error(409, to_json(Error{"busy since 3 s", ExitCode::busy, {"deploy web@43"}}));
  CHECK(error.error == "busy since 3 s");
  CHECK(error.details == std::vector<std::string>{"deploy web@43"});
}

TEST_CASE("errors: the status of an exit code leads back to it") {
  for (ExitCode exit : {ExitCode::usage, ExitCode::no_such_app, ExitCode::busy, ExitCode::not_permitted}) {
    CHECK(exit_for_status(status_for_exit(exit)) == exit);
  }
  CHECK(read_error(status_for_exit(ExitCode::hook_failed), to_json(Error{"x", ExitCode::hook_failed, {}}))
            .exit == ExitCode::hook_failed);
}

TEST_CASE("messages: stop options are optional") {
  CHECK_FALSE(read_stop_options("")->now);
  CHECK_FALSE(read_stop_options("{}")->now);
  CHECK(read_stop_options(to_json(StopOptions{true}))->now);
  CHECK_FALSE(read_stop_options(R"({"now":1})"));
}

TEST_CASE("messages: upgrade options are optional, and what is out of bounds is refused") {
  const auto defaults = read_upgrade_options("");
  REQUIRE(defaults);
  CHECK(*defaults == UpgradeOptions());
  CHECK(defaults->timeout_ms == 300000);
  CHECK(read_upgrade_options(to_json(UpgradeOptions{"/opt/gracevisord", true, 86400000, true})) ==
        UpgradeOptions{"/opt/gracevisord", true, 86400000, true});
  const auto wrong = [](const std::string& text) {
    const auto read = read_upgrade_options(text);
    return read ? "" : read.error().what;
  };
  CHECK(wrong(R"({"timeout_ms":86400001})") == "options.timeout_ms: more than 24 h");
  CHECK(wrong(R"({"timeout_ms":-1})") == "options.timeout_ms: not a whole number in range");
  CHECK(wrong(R"({"timeout_ms":18446744073709551616})") == "options.timeout_ms: not a whole number in range");
  CHECK(wrong(R"({"to":"gracevisord"})") == "options.to: not an absolute path");
  CHECK(wrong(R"({"to":"/opt/a\u0000b"})") == "options.to: a path has no byte 0");
  CHECK(wrong(R"({"to":"\u0000"})") == "options.to: a path has no byte 0");
  CHECK(wrong(R"({"to":"/)" + std::string(4095, 'a') + R"("})") == "options.to: longer than any path");
  CHECK(wrong(R"({"to":"/)" + std::string(4094, 'a') + R"("})").empty());
  CHECK(wrong(R"({"to":7})") == "options.to: not a string");
  CHECK(wrong(R"({"now":1})") == "options.now: not true or false");
  CHECK(wrong(R"({"keeper":true})") == "options: \"keeper\" is not known here");
  CHECK(wrong("[]") == "options: not a JSON object");
  CHECK(wrong("{") == "not JSON");
}
