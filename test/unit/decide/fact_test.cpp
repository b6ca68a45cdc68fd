// What facts become in the log and in receipts.
#include "decide/fact.h"

#include <doctest/doctest.h>

#include <chrono>

#include "decide/fact_log.h"
#include "decide/fact_receipt.h"

namespace gracevisor::decide {
namespace {

using base::GenerationId;
using base::LogLevel;
using namespace std::chrono_literals;

const routing::Identity kWho{base::AppId(7), GenerationId(43), base::Slot(1), base::Incarnation(5)};

const routing::Identity kOther{base::AppId(7), GenerationId(43), base::Slot(2), base::Incarnation(6)};

std::string log_of(Fact::What what) {
  auto line = log_text({{}, "web", std::move(what)});
  if (!line) return "";
  constexpr const char* kLevels[] = {"debug", "info", "warning", "error"};
  return std::string(kLevels[static_cast<int>(line->level)]) + " " + line->text;
}

ReportLine receipt_of(Fact::What what) {
  auto line = receipt_line({{}, "web", std::move(what)});
  return line ? *line : ReportLine{.phase = "none"};
}

// "phase: text {name=value, ...}"
std::string shown(Fact::What what) {
  const ReportLine line = receipt_of(std::move(what));
  std::string fields;
  for (const auto& [name, value] : line.fields) {
    fields += (fields.empty() ? "" : ", ") + std::string(name) + "=";
    if (const auto* number = std::get_if<std::int64_t>(&value)) fields += std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&value)) fields += *text;
  }
  return line.phase + ": " + line.text + " {" + fields + "}";
}

EndpointCounts counts(std::uint64_t in_flight, std::uint64_t tunnels) {
  EndpointCounts counts;
  counts.in_flight = in_flight;
  counts.tunnels = tunnels;
  return counts;
}

TEST_CASE("facts: the log has an event with a key=value tail") {
  const spawn::ExitStatus crash = spawn::Signaled{11, false};
  CHECK(log_of(fact::DeployBegan{GenerationId(43), GenerationId(42), 2, "/srv"}) ==
        "info deploy-begin app=web generation=43 instances=2");
  CHECK(log_of(fact::DeployResumed{GenerationId(43), GenerationId(42), spec::DeployStep::guarding, 3s}) ==
        "info deploy-resumed app=web generation=43 step=guarding");
  CHECK(log_of(fact::CutOver{GenerationId(43), {}, {}, base::Epoch(9)}) ==
        "info cutover app=web generation=43 epoch=9");
  CHECK(log_of(fact::AdoptionLate{1}) == "warning adoption-late worker=1");
  CHECK(log_of(fact::GuardHelpless{}) == "error guard-alert app=web cause=\"no old instance to go back to\"");
  CHECK(log_of(fact::Started{GenerationId(43)}) == "info started app=web generation=43");
  CHECK(log_of(fact::Exited{kWho, crash}) ==
        "info exit app=web instance=43.1 status=\"" + text(crash) + "\"");
  CHECK(log_of(fact::Exited{kWho, spawn::Exited{3, 0}, true, "KeyError: 'URL', app.py line 4"}) ==
        "warning exit app=web instance=43.1 status=\"exit 3\" last=\"KeyError: 'URL', app.py line 4\"");
  CHECK(log_of(fact::CrashLooping{kWho, 5, crash, "bye"}) ==
        "error crash-loop app=web instance=43.1 failures=5 cause=\"" + text(crash) +
            "\" last=\"bye\" next=\"gvctl logs web\"");
  CHECK(log_of(fact::GaveUp{kWho, 3, crash}) ==
        "error fatal app=web instance=43.1 failures=3 cause=\"" + text(crash) + "\" next=\"gvctl logs web\"");
  CHECK(
      log_of(fact::StartTimedOut{kWho, 60s, "GET \"/\" -> refused"}) ==
      "error start-timeout app=web instance=43.1 after_s=60.0 cause=\"GET '/' -> refused\" next=\"gvctl logs "
      "web\"");
  CHECK(log_of(fact::PortTaken{kWho, "held"}) ==
        "warning port-taken app=web instance=43.1 next=\"another port\" cause=\"held\"");
  CHECK(log_of(fact::Replaced{kWho, "x"}) == "warning replace app=web instance=43.1 cause=\"x\"");
  CHECK(log_of(fact::StopTimedOut{kWho}) == "warning stop-timeout app=web instance=43.1 next=SIGKILL");
  CHECK(log_of(fact::Unkillable{kWho, "pid 1"}) == "error unkillable app=web instance=43.1 pid 1");
  CHECK(log_of(fact::RecordFailed{"full"}) == "error record app=web cause=\"full\"");
  CHECK(log_of(fact::RecordWritten{}) == "info record-written app=web");
  CHECK(log_of(fact::GuardPassed{5}).empty());
}

TEST_CASE("facts: a receipt's line says in fields what it says in words") {
  CHECK(shown(fact::DeployBegan{GenerationId(43), GenerationId(42), 2, "/srv"}) ==
        "deploy: web@43 (was @42)  2 instances  /srv {generation=43, instances=2, directory=/srv, "
        "old_generation=42}");
  CHECK(shown(fact::DeployBegan{GenerationId(1), {}, 1, "/srv"}) ==
        "deploy: web@1  1 instance  /srv {generation=1, instances=1, directory=/srv}");
  CHECK(shown(fact::Placed{{{kWho, {7, ":21004"}}}, false}) == "start: 43.1 pid 7 :21004 {}");
  CHECK(shown(fact::Placed{{{kWho, {8, ":21005"}}}, true}) == ": moved: 43.1 pid 8 :21005 {}");
  CHECK(shown(fact::Placed{{{kWho, {8, ""}}, {kOther, {}}}, false}) == "start: 43.1 pid 8   43.2 gone {}");
  CHECK(shown(fact::AllHealthy{2, 2, "GET /up -> 200, 1 try", 12ms, false}) ==
        "healthy: 2/2  GET /up -> 200, 1 try (12 ms) {healthy=2, instances=2, took_ms=12}");
  CHECK(shown(fact::AllHealthy{1, 1, "", 5s, false}) ==
        "healthy: 1/1  alive for 5.0 s {healthy=1, instances=1, took_ms=5000}");
  CHECK(shown(fact::CutOver{GenerationId(43), GenerationId(42), counts(12, 3), base::Epoch(9)}) ==
        "cutover: new requests -> @43   (@42 has 9 in flight, 3 upgraded) {generation=43, epoch=9, "
        "old_generation=42, in_flight=9, upgraded=3}");
  CHECK(shown(fact::Drained{GenerationId(42), 1500ms, 9, 1}) ==
        "drained: @42 in 1.5 s: 9 finished, 1 cut {old_generation=42, took_ms=1500, finished=9, cut=1}");
  CHECK(shown(fact::GuardPassed{5}) == "guard: ok: 5 requests {requests=5}");
  CHECK(
      shown(fact::OldEnded{GenerationId(42), {{kWho, spawn::Exited{0, 0}}, {kOther, spawn::Exited{1, 0}}}}) ==
      "stopped: @42 exit 0, exit 1 {old_generation=42}");
  CHECK(shown(fact::Culprit{kWho, spawn::Exited{3, 0}, InstanceState::stopped, 200ms}) ==
        "cause: 43.1 exit 3 after 0.2 s {instance=43.1, lived_ms=200}");
  CHECK(shown(fact::ProbeFailed{kWho, "GET /up -> 500, 3 tries"}) ==
        "probe: GET /up -> 500, 3 tries {instance=43.1}");
  const ListenerOwner stranger{Ownership::foreign, "port 7 is held by pid 1 (nginx)", {"[::1]:3000"}};
  CHECK(
      shown(fact::ProbeFailed{kWho, "connect -> passed, 1 try; port 7 is held by pid 1 (nginx)", stranger}) ==
      "probe: connect -> passed, 1 try; port 7 is held by pid 1 (nginx); the process listens on [::1]:3000 "
      "{instance=43.1}");
  CHECK(shown(fact::Culprit{kWho, {}, InstanceState::starting, 60s}) ==
        "cause: 43.1 starting for 60.0 s, not healthy {instance=43.1, lived_ms=60000}");
  CHECK(shown(fact::Changed{GenerationId(42), {}}) == "changed: nothing against @42 {old_generation=42}");
  CHECK(shown(fact::Changed{GenerationId(42), {{"instances", config::Takes::scale, "2", "3"}}}) ==
        "changed: instances 2 -> 3 {old_generation=42}");
  CHECK(receipt_of(fact::Exited{kWho, spawn::Exited{0, 0}}).phase == "none");
}

TEST_CASE("facts: programs learn which instances have started and stopped, and which keys differ") {
  using Started = std::vector<StartedInstance>;
  using Stopped = std::vector<StoppedInstance>;
  const ReportLine placed = receipt_of(fact::Placed{{{kWho, {7, ":21004"}}, {kOther, {}}}, false});
  CHECK(placed.started == Started{{"43.1", 7, ":21004"}});
  const ReportLine ended = receipt_of(
      fact::OldEnded{GenerationId(42), {{kWho, spawn::Exited{3, 0}}, {kOther, spawn::Signaled{9, false}}}});
  CHECK(ended.stopped == Stopped{{"43.1", "exit 3", 3, {}}, {"43.2", "signal 9 (KILL)", {}, 9}});
  const config::Difference command{"command", config::Takes::deploy, {}, {}};
  const config::Difference variable{"environment.V", config::Takes::deploy, {}, "1"};
  const ReportLine changed = receipt_of(fact::Changed{GenerationId(42), {command, variable}});
  CHECK(changed.keys == std::vector<std::string>{"command", "environment.V"});
}

TEST_CASE("facts: the end of a deploy says how it went, or where, when and why it failed") {
  fact::DeployEnded done;
  done.generation = GenerationId(43);
  done.traffic = {100, 1, 2, 40ms, 0ms, "", 0};
  CHECK(shown(done) ==
        "done: 100 requests during the deploy, 1 failed, 2 retried, slowest 40 ms {requests=100, failed=1, "
        "retried=2, slowest_ms=40, slowest_body_ms=0, own_answers=0, generation=43}");
  CHECK(receipt_of(done).exit == base::ExitCode::done);
  CHECK(log_of(done) ==
        "info deploy-end app=web generation=43 exit=0 100 requests during the deploy, 1 failed, 2 retried, "
        "slowest 40 ms");
  done.traffic.slowest_body = 7s;
  done.traffic.touched = "127.0.0.1:80";
  done.traffic.own_answers = 4;
  CHECK(
      receipt_of(done).text ==
      "100 requests during the deploy, 1 failed, 2 retried, slowest 40 ms, slowest body 7000 ms; 4 answered "
      "by the proxy itself on 127.0.0.1:80");

  fact::DeployEnded failed;
  failed.generation = GenerationId(43);
  failed.exit = base::ExitCode::rolled_back;
  failed.phase = DeployPhase::guarding;
  failed.after = 3100ms;
  failed.back_to = GenerationId(42);
  failed.cause = "43.1 exit 1";
  CHECK(shown(failed) ==
        "failed: web@43 rolled back to @42 after 3.1 s: 43.1 exit 1 {generation=43, back_to=42, "
        "while=guarding, after_ms=3100, cause=43.1 exit 1}");
  failed.exit = base::ExitCode::aborted;
  failed.back_to.reset();
  failed.cause.clear();
  failed.interrupted = "aborted by uid 7";
  failed.serving = {GenerationId(42), 2, 2};
  CHECK(log_of(failed) ==
        "error deploy-end app=web generation=43 exit=6 web@43 aborted by uid 7 in guarding after 3.1 s; "
        "@42 serves 2/2");
}

TEST_CASE("facts: what did not become healthy is told by its cause, and by what serves instead") {
  fact::DeployEnded failed;
  failed.generation = GenerationId(3);
  failed.exit = base::ExitCode::exited_before_healthy;
  failed.after = 900ms;
  failed.cause = "SyntaxError: invalid syntax, web.py line 12";
  failed.serving = {GenerationId(2), 2, 2};
  CHECK(receipt_of(failed).text ==
        "web@3 exited before it was healthy (SyntaxError: invalid syntax, web.py line 12); @2 serves 2/2");
  failed.executed = false;
  failed.cause = "cannot execute: /srv/run: its interpreter /x does not exist";
  CHECK(receipt_of(failed).text ==
        "web@3 did not start (cannot execute: /srv/run: its interpreter /x does not exist); @2 serves 2/2");
  failed.exit = base::ExitCode::health_timeout;
  failed.cause = "GET / -> refused, 9 tries";
  CHECK(receipt_of(failed).text ==
        "web@3 was not healthy after 0.9 s: GET / -> refused, 9 tries; @2 serves 2/2");
  failed.exit = base::ExitCode::failed;
  failed.cause = "the state record could not be written: disk full";
  failed.serving.reset();
  CHECK(receipt_of(failed).text == "web@3: the state record could not be written: disk full");
}

TEST_CASE("facts: a start that fails is told in the log as it is to the one who waits for it") {
  fact::StartFailed failed{
      GenerationId(1), base::ExitCode::exited_before_healthy, 200ms, "say \"x\"", true, true, false, 0, 2};
  CHECK(receipt_of(failed).text ==
        "web@1 exited before it was healthy (say \"x\"); it is started again after a pause");
  CHECK(receipt_of(failed).exit == base::ExitCode::exited_before_healthy);
  CHECK(
      log_of(failed) ==
      "error start-failed app=web generation=1 exit=10 cause=\"web@1 exited before it was healthy (say 'x'); "
      "it is started again after a pause\" next=\"gvctl logs web\"");
  failed.exit = base::ExitCode::health_timeout;
  failed.again = false;
  CHECK(shown(failed) ==
        "failed: web@1 was not healthy after 0.2 s: say \"x\"; 0/2 healthy, the probes go on {generation=1, "
        "cause=say \"x\", after_ms=200, healthy=0, instances=2}");
  failed.late = true;
  CHECK(receipt_of(failed).text == "web@1 was not healthy after 0.2 s: say \"x\"; 0/2 healthy; it is ended");
  failed.again = true;
  CHECK(receipt_of(failed).text ==
        "web@1 was not healthy after 0.2 s: say \"x\"; 0/2 healthy; it is ended, and started again after a "
        "pause");
}

TEST_CASE("facts: the evidence of a failure is in the log, too") {
  CHECK(log_of(fact::Culprit{kWho, spawn::Exited{3, 0}, InstanceState::stopped, 200ms, "bye"}) ==
        "warning cause app=web instance=43.1 43.1 exit 3 after 0.2 s");
  CHECK(log_of(fact::SaidLast{kWho, "a \"line\"\nexit app=other"}) ==
        "warning output app=web instance=43.1 a 'line' exit app=other");
  CHECK(shown(fact::SaidLast{kWho, "a line"}) == ": a line {}");
  CHECK(log_of(fact::PortBusy{kWho, {base::Port(80)}, ""}).empty());
  CHECK(receipt_of(fact::PortBusy{kWho, {base::Port(80)}, ""}).phase == "none");
  CHECK(shown(fact::PortBusy{kWho, {base::Port(80)}, "port 80 is held by pid 7 (nginx)"}) ==
        "system: port 80 is held by pid 7 (nginx): let the app listen at {port}, which is in PORT, too "
        "{instance=43.1}");
  CHECK(log_of(fact::ProbeFailed{kWho, "GET / -> refused, 1 try"}) ==
        "warning probe app=web instance=43.1 GET / -> refused, 1 try");
}

TEST_CASE("facts: a worker is not talked to like a web app") {
  CHECK(shown(fact::CutOver{GenerationId(2), GenerationId(1), {}, base::Epoch(9), false}) ==
        "cutover: @2 takes over; @1 told to stop {generation=2, epoch=9, old_generation=1}");
  CHECK(shown(fact::CutOver{GenerationId(1), {}, {}, base::Epoch(9), false}) ==
        "cutover: @1 takes over {generation=1, epoch=9}");
  fact::DeployEnded done;
  done.generation = GenerationId(2);
  done.routed = false;
  CHECK(shown(done) == "done: web@2 runs {generation=2}");
  CHECK(shown(fact::OldEnded{GenerationId(1), {{kWho, spawn::Signaled{9, false}}}, 3s}) ==
        "stopped: @1 signal 9 (KILL), killed after 3.0 s {old_generation=1}");
}

}  // namespace
}  // namespace gracevisor::decide
