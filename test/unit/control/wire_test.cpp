// Every message with every member away from its default: the bytes on the wire, and the same message read
// back from them.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "control/archive.h"
#include "control/messages.h"
#include "unit/control/samples.h"

using namespace gracevisor::control;

namespace {

InstanceStatus instance() {
  InstanceStatus instance = gracevisor::test::running_instance();
  instance.failures = 6;
  instance.due_s = 7;
  instance.last_exit = "exit 1";
  instance.last_line = "refused";
  instance.probe = "GET / -> 500";
  return instance;
}

constexpr std::string_view kInstance =
    R"({"name":"42.1","state":"healthy","pid":4711,"endpoint":":21004","uptime_s":7200,"in_flight":13,)"
    R"("upgraded":4,"restarts":2,"cpu_percent":12.5,"memory_bytes":325058560,"processes":4,"probe_ms":3,)"
    R"("probes_failed":1,"probes_allowed":3,"failures":6,"due_s":7,"last_exit":"exit 1",)"
    R"("last_line":"refused","probe":"GET / -> 500"})";

AppStatus app() {
  AppStatus app = gracevisor::test::live_app();
  app.repaired = 5;
  app.listens = {"public", ":8080"};
  app.routes = {"example.com/api", "*"};
  app.instances = {instance()};
  app.scaled_from = 3;
  app.problems = {{"left-behind", "left pid 9"}};
  app.differs = {"environment.V"};
  return app;
}

const std::string kApp =
    R"({"name":"web","state":"live","should_run":true,"generation":42,"healthy":1,"wanted":2,)"
    R"("scaled_from":3,"requests":14092,"failed":3,"repaired":5,"requests_per_s":41.5,"errors_per_s":0.5,)"
    R"("cpu_percent":12.5,"memory_bytes":325058560,"since_s":7300,"listens":["public",":8080"],"routes":["example.com/api","*"],)"
    R"("instances":[)" +
    std::string(kInstance) +
    R"(],"deploy":{"generation":42,"running":false,"phase":"","since_s":9000,"left_s":null,"draining":0,)"
    R"("ended_s":8990,"exit":0,"text":"0 failed"},"problems":[{"kind":"left-behind","text":"left pid 9"}],)"
    R"("stopped_uid":1000,"stopped_s":172800,"differs":["environment.V"]})";

StatusReport status() {
  return gracevisor::test::status_of(app());
}

const std::string kStatus =
    R"({"version":"0.1.0","pid":77,"uptime_s":9000,"workers":2,"epoch":9,"apps":[)" + kApp +
    R"(],"open_files":1024,"open_files_needed":352,"max_connections":280,"problems":)"
    R"([{"kind":"remark","text":"3 connections were turned away"}],)"
    R"("keeper":{"pid":70,"version":"0.1.0","starts":3,)"
    R"("last_end":"exit 1"},"predecessor":{"pid":66,"version":"0.0.9",)"
    R"("since_s":240,"connections":3,"tunnels":2},"cgroups":"/sys/fs/cgroup/gracevisor-x-70",)"
    R"("no_cgroups":"none"})";

// The further members in the order in which they are read.
ReportLine report_line() {
  return {"cutover",
          1700,
          "new requests -> @42",
          13,
          {{"epoch", std::int64_t{-9}}, {"hot", true}, {"load", 0.5}},
          "web",
          {"command", "environment.V"},
          {{"43.1", 4711, ":21004"}},
          {{"42.1", "exit 3", 3, {}}, {"42.2", "signal 9", {}, 9}}};
}

constexpr std::string_view kReportLine =
    R"({"phase":"cutover","at_ms":1700,"text":"new requests -> @42","app":"web",)"
    R"("keys":["command","environment.V"],"started":[{"instance":"43.1","pid":4711,"endpoint":":21004"}],)"
    R"("stopped":[{"instance":"42.1","last_exit":"exit 3","code":3,"signal":null},)"
    R"({"instance":"42.2","last_exit":"signal 9","code":null,"signal":9}],)"
    R"("epoch":-9,"hot":true,"load":0.5,"exit":13})";

LogLine log_line() {
  return {"43.1", "err", "2026-11-22T20:00:00.123Z", "a\tline", true, "web", "a remark", 7};
}

constexpr std::string_view kLogLine =
    R"({"instance":"43.1","stream":"err","time":"2026-11-22T20:00:00.123Z","line":"a\tline","cut":true,)"
    R"("app":"web","note":"a remark","skipped":7})";

Error error() {
  return {"busy since 3 s", ExitCode::busy, {"deploy web@43"}};
}

constexpr std::string_view kError = R"({"error":"busy since 3 s","exit":5,"details":["deploy web@43"]})";

Settings settings() {
  return {"web", 42, {"differs"}, {{"app.web", "instances", "4", "scale", "/etc/gv.toml:7", "2"}}};
}

constexpr std::string_view kSettings =
    R"({"app":"web","generation":42,"remarks":["differs"],"settings":[{"table":"app.web",)"
    R"("key":"instances","value":"4","source":"scale","place":"/etc/gv.toml:7","files":"2"}]})";

FileCheck check() {
  return {"1 app: ok", true, {"*:80 web"}, {"a:1:1: w"}, {"a:2:1: e"}};
}

constexpr std::string_view kCheck =
    R"({"summary":"1 app: ok","ok":true,"map":["*:80 web"],"warnings":["a:1:1: w"],"errors":["a:2:1: e"]})";

// Every member is on the wire, none as in a message of defaults, and all come back.
template <class M>
void check_round(const M& message) {
  const auto sent = nlohmann::json::parse(MessageWriter::text(message));
  const auto defaults = nlohmann::json::parse(MessageWriter::text(M()));
  for (const std::string_view name : MemberNames::of(message)) {
    CAPTURE(name);
    REQUIRE(sent.contains(name));
    CHECK((!defaults.contains(name) || defaults[std::string(name)] != sent[std::string(name)]));
  }
  const auto received = MessageReader::read<M>(sent.dump());
  REQUIRE(received.has_value());
  CHECK(*received == message);
  CHECK(*received != M());
}

}  // namespace

TEST_CASE("wire: every message with every member set comes back as it was sent") {
  check_round(Version{"1.2.3", 4, 3});
  check_round(instance());
  check_round(app());
  check_round(status());
  check_round(report_line());
  check_round(log_line());
  check_round(error());
  check_round(settings());
  check_round(settings().settings.front());
  check_round(check());
  check_round(StopOptions{true});
  check_round(UpgradeOptions{"/opt/gracevisord", true, 7, true});
  CHECK(report_line().fields != ReportLine().fields);
}

TEST_CASE("wire: an error takes the exit code of its body only from a body that is right so far") {
  CHECK(read_error(500, R"({"error":"x","exit":9,"details":7})").exit == ExitCode::preflight_failed);
  CHECK(read_error(500, R"({"error":7,"exit":9})").exit == ExitCode::failed);
  CHECK(read_error(500, R"({"error":"x","exit":"9","details":["y"]})").exit == ExitCode::failed);
  CHECK(read_error(500, R"({"error":"x","exit":-1,"details":["y"]})").details ==
        std::vector<std::string>{"y"});
  CHECK(read_error(500, "[9]").error == "the daemon answered 500");
}

TEST_CASE("wire: what is wrong is named by message and member") {
  const auto wrong = [](const auto& result) { return result ? "" : result.error().what; };
  CHECK(wrong(read_version(R"({"pid":1e3})")) == "version.pid: not a whole number in range");
  CHECK(wrong(read_version(R"({"pid":2147483648})")) == "version.pid: not a whole number in range");
  CHECK(wrong(read_version(R"({"version":1})")) == "version.version: not a string");
  CHECK(wrong(read_version("[]")) == "version: not a JSON object");
  CHECK(wrong(read_version("{")) == "not JSON");
  CHECK(wrong(read_version(std::string(17, '['))) == "JSON nested too deeply");
  CHECK(wrong(read_status(R"({"apps":[{"routes":[1]}]})")) == "app.routes: not an array of strings");
  CHECK(wrong(read_status(R"({"apps":[{"instances":[[]]}]})")) == "instance: not a JSON object");
  CHECK(wrong(read_status(R"({"apps":[{"deploy":[]}]})")) == "deploy: not a JSON object");
  CHECK(wrong(read_status(R"({"apps":[{"cpu_percent":"1"}]})")) == "app.cpu_percent: not a number");
  CHECK(wrong(read_status(R"({"apps":[{"instances":[{"pid":""}]}]})")) ==
        "instance.pid: not a whole number in range");
  CHECK(wrong(read_log_line(R"({"cut":0})")) == "log line.cut: not true or false");
  CHECK(wrong(read_report_line(R"({"exit":"0"})")) == "report.exit: not a whole number in range");
  CHECK(wrong(read_status(R"({"predecessor":[]})")) == "predecessor: not a JSON object");
  CHECK(wrong(read_status(R"({"predecessor":{"tunnels":-1}})")) ==
        "predecessor.tunnels: not a whole number in range");
  CHECK(wrong(read_stop_options(R"({"now":1})")) == "options.now: not true or false");
}

TEST_CASE("wire: the bytes of every message") {
  CHECK(to_json(Version{"1.2.3", 4}) == R"({"version":"1.2.3","pid":4})");
  CHECK(to_json(status()) == kStatus);
  CHECK(to_json(report_line()) == kReportLine);
  CHECK(to_json(log_line()) == kLogLine);
  CHECK(to_json(error()) == kError);
  CHECK(to_json(settings()) == kSettings);
  CHECK(to_json(check()) == kCheck);
  CHECK(to_json(StopOptions{true}) == R"({"now":true})");
  CHECK(to_json(Version{"1.2.3", 4, 3}) == R"({"version":"1.2.3","pid":4,"took_over_from":3})");
  CHECK(to_json(UpgradeOptions{"/opt/gracevisord", true, 7, true}) ==
        R"({"to":"/opt/gracevisord","wait":true,"timeout_ms":7,"now":true})");
}

TEST_CASE("wire: what is not set is null, an empty list, or left out") {
  StatusReport report;
  report.apps.resize(1);
  report.apps[0].instances.resize(1);
  const std::string written = to_json(report);
  CHECK(written.find(R"({"name":"","state":"","should_run":false,"generation":0,"healthy":0,"wanted":0,)"
                     R"("scaled_from":null,"requests":0,"failed":0,"repaired":0,"requests_per_s":0.0,)"
                     R"("errors_per_s":0.0,"cpu_percent":null,"memory_bytes":null,"since_s":null,)"
                     R"("listens":[],"routes":[],"instances":[)") != std::string::npos);
  CHECK(written.find(R"("deploy":null,"problems":[],"stopped_uid":null,"stopped_s":null,"differs":[]})") !=
        std::string::npos);
  CHECK(written.find(R"("instances":[{"name":"","state":"","pid":0,"endpoint":"","uptime_s":null,)"
                     R"("in_flight":0,"upgraded":0,"restarts":0,"cpu_percent":null,"memory_bytes":null,)"
                     R"("processes":null,"probe_ms":null,"probes_failed":0,"probes_allowed":0,"failures":0,)"
                     R"("due_s":null,"last_exit":"","last_line":"","probe":""}])") != std::string::npos);
  CHECK(to_json(StatusReport()) ==
        R"({"version":"","pid":0,"uptime_s":0,"workers":0,"epoch":0,"apps":[],"open_files":0,)"
        R"("open_files_needed":0,"max_connections":0,"problems":[],)"
        R"("keeper":{"pid":0,"version":"","starts":0,"last_end":""},"predecessor":null})");
  CHECK(to_json(ReportLine()) == R"({"phase":"","text":""})");
  CHECK(to_json(LogLine()) == R"({"instance":"","stream":"","time":"","line":""})");
  CHECK(to_json(Error()) == R"({"error":"","exit":1})");
  CHECK(to_json(StopOptions()) == R"({"now":false})");
  CHECK(to_json(Version()) == R"({"version":"","pid":0})");
}
