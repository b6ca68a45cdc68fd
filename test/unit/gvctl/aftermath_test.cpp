// What became of a command, by the history and the state that the next daemon tells.
#include "gvctl/aftermath.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::gvctl;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const base::WallTime kSent = *base::parse_rfc3339("2026-11-29T12:00:00.5Z");
const base::WallTime kNow = kSent + seconds(10);

control::AppStatus web(const std::string& state, std::uint64_t healthy = 2, std::uint64_t wanted = 2) {
  control::AppStatus app;
  app.name = "web";
  app.state = state;
  app.should_run = state != "stopped" && state != "stopping";
  app.generation = 1;
  app.healthy = healthy;
  app.wanted = wanted;
  return app;
}

control::AppStatus deploying(const std::string& phase, std::optional<int> exit = {}) {
  control::AppStatus app = web("live");
  app.deploy.emplace();
  app.deploy->generation = 2;
  app.deploy->running = !exit;
  app.deploy->phase = phase;
  app.deploy->exit = exit;
  app.deploy->text = "web@2 it was";
  return app;
}

Lost lost(Verb verb, const std::string& word = "") {
  return {.verb = verb, .app = "web", .word = word, .sent = kSent};
}
Lost of_generation(std::uint64_t generation) {
  Lost one = lost(Verb::deploy);
  one.generation = generation;
  return one;
}
Lost kill_of(const std::string& instance) {
  Lost one = lost(Verb::kill);
  one.instance = instance;
  return one;
}

// "6 web aborted: …"; empty: it goes on.
std::string judged(const std::optional<control::AppStatus>& app, const Lost& lost) {
  const auto line = judge(app ? &*app : nullptr, lost, kNow);
  if (!line) return "";
  REQUIRE(line->exit.has_value());
  return std::to_string(*line->exit) + " " + line->text;
}

control::ReportLine heading(std::int64_t generation, std::int64_t at_ms, const std::string& step = "") {
  control::ReportLine line{.phase = "deploy", .at_ms = at_ms, .text = "web@2", .exit = {}, .fields = {}};
  line.fields.emplace_back("generation", generation);
  if (!step.empty()) line.fields.emplace_back("step", step);
  return line;
}

control::PastCommand past(const std::string& verb, const std::string& at, std::uint64_t generation = 1) {
  return {.verb = verb, .uid = {}, .at = at, .generation = generation, .exit = 0, .text = "", .lines = {}};
}

}  // namespace

TEST_CASE("aftermath: a deploy by the app's state") {
  CHECK(judged(deploying("guarding"), of_generation(2)) == "");
  CHECK(judged(deploying("guarding"), lost(Verb::deploy)) == "");
  CHECK(judged(deploying("guarding"), of_generation(3)) == "6 web@3 aborted: the daemon was restarted");
  CHECK(judged(web("live"), of_generation(2)) == "6 web@2 aborted: the daemon was restarted");
  CHECK(judged(web("live"), lost(Verb::deploy)) == "6 web aborted: the daemon was restarted");
  CHECK(judged(web("live"), of_generation(1)) == "0 web@1 is live; its report was lost");
  CHECK(judged(web("stopped"), of_generation(1)) == "6 web@1 aborted: the daemon was restarted");
  CHECK(judged(std::nullopt, of_generation(1)) ==
        "6 the deploy of web aborted: the daemon was restarted, and the daemon does not know the app");
}

TEST_CASE("aftermath: starts and stops by the app's state") {
  struct Row {
    Verb verb;
    control::AppStatus app;
    std::string outcome;
  };
  const std::vector<Row> rows = {
      {Verb::start, web("live"), "0 web@1  2/2 healthy"},
      {Verb::start, web("live", 1), ""},
      {Verb::start, web("starting", 0), ""},
      {Verb::start, web("crash-loop", 0), "10 web@1 crash-loop: gvctl status web"},
      {Verb::start, web("fatal", 0), "10 web@1 fatal: gvctl status web"},
      {Verb::start, web("stopped", 0), "6 the start of web aborted: the daemon was restarted"},
      {Verb::stop, web("stopped", 0), "0 web, stays stopped: gvctl start web"},
      {Verb::stop, web("stopping"), ""},
      {Verb::stop, web("live"), "6 web runs: its stop aborted: the daemon was restarted"},
      {Verb::kill, web("stopped", 0), "0 web, stays stopped: gvctl start web"},
      {Verb::kill, web("live"), "6 web runs: its stop aborted: the daemon was restarted"},
      {Verb::signal, web("live"),
       "1 the daemon was restarted, and what became of the signal of web is not known"},
      {Verb::attach, web("live"),
       "1 the daemon was restarted, and what became of what was under way for web is not known: gvctl "
       "history web"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.app.state);
    CHECK(judged(row.app, lost(row.verb)) == row.outcome);
  }
}

TEST_CASE("aftermath: a scale by the number of instances") {
  CHECK(judged(web("live", 2, 2), lost(Verb::scale, "2")) == "0 web@1  2/2 healthy");
  CHECK(judged(web("live", 1, 2), lost(Verb::scale, "2")) == "");
  CHECK(judged(web("backoff", 1, 2), lost(Verb::scale, "2")) == "10 web@1 backoff: gvctl status web");
  CHECK(judged(web("live", 1, 1), lost(Verb::scale, "2")) ==
        "6 web has 1 instance, 1 healthy: its scale aborted: the daemon was restarted");
  CHECK(judged(web("live"), lost(Verb::scale, "file")) == "0 web@1  2/2 healthy");
  control::AppStatus scaled = web("live");
  scaled.scaled_from = 1;
  CHECK(judged(scaled, lost(Verb::scale, "file")) ==
        "6 web has 2 instances, 2 healthy: its scale aborted: the daemon was restarted");
  CHECK(judged(web("live"), lost(Verb::scale, "+1")) ==
        "1 the daemon was restarted, and what became of the scale of web is not known: web has 2 instances, "
        "2 healthy");
}

TEST_CASE("aftermath: a kill of instances by how long their processes run") {
  control::AppStatus app = web("live");
  const auto with = [&app](std::initializer_list<std::pair<int, std::uint64_t>> processes) {
    app.instances.clear();
    for (const auto& [pid, uptime] : processes) {
      control::InstanceStatus& one = app.instances.emplace_back();
      one.name = "43." + std::to_string(app.instances.size());
      one.pid = pid;
      if (pid != 0) one.uptime_s = uptime;
    }
    return app;
  };
  CHECK(judged(with({}), kill_of("43.1")) == "0 killed");
  CHECK(judged(with({{0, 0}, {78, 60}}), kill_of("43.1")) == "0 killed");
  CHECK(judged(with({{77, 5}}), kill_of("43.1")) == "0 killed");
  CHECK(judged(with({{77, 10}}), kill_of("43.1")) ==
        "6 web@43.1 runs with pid 77: the kill aborted: the daemon was restarted");
  CHECK(judged(with({{77, 5}, {78, 60}}), kill_of("43")) ==
        "6 web@43.2 runs with pid 78: the kill aborted: the daemon was restarted");
  CHECK(judged(with({{77, 60}}), kill_of("4")) == "0 killed");
  // It may have been started before or after.
  CHECK(judged(with({{77, 9}}), kill_of("43.1")) == "0 killed");
  Lost later = kill_of("43.1");
  later.sent = kNow - milliseconds(9500);
  CHECK(judged(with({{77, 9}}), later) ==
        "1 the daemon was restarted, and what became of the kill of web@43.1 is not known: gvctl status web");
}

TEST_CASE("aftermath: an abort by the deploy's end") {
  const Lost abort = lost(Verb::abort);
  CHECK(judged(deploying("aborting"), abort) == "");
  CHECK(judged(deploying("rolling back"), abort) == "");
  CHECK(judged(deploying("guarding"), abort) ==
        "6 the deploy of web goes on: its abort aborted: the daemon was restarted");
  CHECK(judged(deploying("", 6), abort) == "0 web@2 it was");
  CHECK(judged(deploying("", 13), abort) == "0 web@2 it was");
  CHECK(judged(deploying("", 0), abort).starts_with("1 "));
  CHECK(judged(web("live"), abort).starts_with("1 "));
}

TEST_CASE("aftermath: the entry of the history is the newest that can be meant") {
  control::History history{.app = "web", .commands = {}};
  history.commands = {past("deploy", "2026-11-29T11:59:59Z", 2), past("stop", "2026-11-29T12:00:01Z"),
                      past("deploy", "2026-11-29T12:00:02Z", 3), past("abort", "2026-11-29T12:00:03Z", 3),
                      past("start", "2026-11-29T12:00:00Z", 4),  past("scale", "nonsense", 4)};
  const auto entry = [&](const Lost& one) {
    const control::PastCommand* found = entry_of(history, one);
    return found == nullptr ? "" : found->verb + " " + found->at.substr(17, 2);
  };
  CHECK(entry(lost(Verb::deploy)) == "deploy 02");
  CHECK(entry(of_generation(2)) == "deploy 59");
  CHECK(entry(of_generation(3)) == "deploy 02");
  CHECK(entry(of_generation(4)) == "start 00");
  CHECK(entry(of_generation(1)) == "");
  CHECK(entry(lost(Verb::stop)) == "stop 01");
  CHECK(entry(lost(Verb::start)) == "start 00");
  CHECK(entry(lost(Verb::kill)) == "");
  CHECK(entry(lost(Verb::scale)) == "");
}

TEST_CASE("aftermath: the heading of what is under way says whether it is the command") {
  CHECK(is_its_heading(heading(2, 60000, "guarding"), of_generation(2), kNow));
  CHECK_FALSE(is_its_heading(heading(3, 0), of_generation(2), kNow));
  // Without its generation, by when it began.
  CHECK(is_its_heading(heading(2, 10000), lost(Verb::deploy), kNow));
  CHECK_FALSE(is_its_heading(heading(2, 12000), lost(Verb::deploy), kNow));
  control::ReportLine other = heading(2, 0);
  other.phase = "stop";
  CHECK_FALSE(is_its_heading(other, lost(Verb::deploy), kNow));
  CHECK(has_cut_over(heading(2, 0, "guarding")));
  CHECK(has_cut_over(heading(2, 0, "finishing")));
  CHECK_FALSE(has_cut_over(heading(2, 0, "undoing")));
  CHECK_FALSE(has_cut_over(heading(2, 0)));
}

TEST_CASE("aftermath: what a report has told is kept for each app") {
  Told told;
  CHECK(told.heading().empty());
  control::ReportLine plan{.phase = "deploy", .at_ms = 0, .text = "", .exit = {}, .fields = {}, .app = "api"};
  told.note(plan);
  CHECK_FALSE(told.of("api").generation.has_value());
  control::ReportLine begun = heading(7, 0);
  begun.app = "api";
  told.note(begun);
  control::ReportLine done{.phase = "done", .at_ms = 5, .text = "", .exit = {}, .fields = {}, .app = "web"};
  done.fields.emplace_back("exit_code", std::int64_t{11});
  told.note(done);
  CHECK(told.heading() == "deploy");
  CHECK(told.of("api").generation == 7);
  CHECK_FALSE(told.of("api").exit.has_value());
  CHECK(told.of("web").exit == 11);
  CHECK_FALSE(told.of("").generation.has_value());
}
