#include "gvctl/status_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/listed.h"
#include "base/user_text.h"
#include "gvctl/table.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::AppStatus;
using control::DeployStatus;
using control::InstanceStatus;
using Align = Column::Align;

constexpr std::size_t kLeastAddress = 12;
constexpr std::string_view kNothing = "-";

Colour colour_of(std::string_view state) {
  if (among(state, {"live", "healthy"})) return Colour::green;
  if (among(state, {"backoff", "crash-loop", "fatal", "failed", "unhealthy", "killing"})) return Colour::red;
  return state == "stopped" ? Colour::plain : Colour::yellow;
}

std::string place_of(const AppStatus& app) {
  std::string place = harmless(base::listed(app.routes));
  if (!app.listens.empty()) place += (place.empty() ? "on " : " on ") + harmless(base::listed(app.listens));
  return place;
}

// "412", "3.5", "0"
std::string rate(double per_second) {
  if (per_second >= 10 || per_second < 0.05)
    return grouped(static_cast<std::uint64_t>(std::llround(per_second)));
  return fmt::format("{:.1f}", per_second);
}

std::string percent(const std::optional<double>& value) {
  if (!value) return std::string(kNothing);
  return *value >= 10 || *value < 0.05 ? fmt::format("{:.0f}%", *value) : fmt::format("{:.1f}%", *value);
}

std::string memory(const std::optional<std::uint64_t>& bytes) {
  return bytes ? size(*bytes) : std::string(kNothing);
}

std::string up(const std::optional<std::uint64_t>& seconds) {
  return seconds ? tight_age(*seconds) : std::string(kNothing);
}

// "2/2"; "4/4 (file: 2)" if a command gave it another number than the files do.
std::string instances_of(const AppStatus& app) {
  if (app.wanted == 0) return std::string(kNothing);
  std::string text = fmt::format("{}/{}", app.healthy, app.wanted);
  if (app.scaled_from) text += fmt::format(" (file: {})", *app.scaled_from);
  return text;
}

std::vector<Cell> row_of(const AppStatus& app) {
  const bool serves = !app.listens.empty() && app.state != "stopped";
  const bool short_of = app.should_run && app.healthy < app.wanted;
  std::string errors = serves ? rate(app.errors_per_s) : std::string(kNothing);
  const Colour error_colour = serves && errors != "0" ? Colour::red : Colour::plain;
  return {{harmless(app.name), Colour::bold},
          {app.generation != 0 ? fmt::format("@{}", app.generation) : std::string(kNothing)},
          {harmless(app.state), colour_of(app.state)},
          {instances_of(app), short_of ? Colour::red : Colour::plain},
          {serves ? rate(app.requests_per_s) : std::string(kNothing)},
          {std::move(errors), error_colour},
          {percent(app.cpu_percent)},
          {memory(app.memory_bytes)},
          {up(app.since_s)},
          {place_of(app)}};
}

Table app_table() {
  return Table({{Align::left, "APP"},
                {Align::left, "GEN", 1},
                {Align::left, "STATE"},
                {Align::left, "INSTANCES"},
                {Align::right, "REQ/S", 2},
                {Align::right, "5XX", 7},
                {Align::right, "CPU", 4},
                {Align::right, "MEM", 3},
                {Align::right, "UP", 6},
                {Align::left, "ADDRESS", 5, kLeastAddress, true}});
}

// "healthy", "healthy, failing 2 of 3"
std::string state_of(const InstanceStatus& instance) {
  const bool judged = among(instance.state, {"healthy", "unhealthy"});
  if (!judged || instance.probes_failed == 0) return harmless(instance.state);
  return fmt::format("{}, failing {} of {}", harmless(instance.state),
                     std::min(instance.probes_failed, instance.probes_allowed), instance.probes_allowed);
}

// How long the last one took; a short time of one that failed would look good.
std::string probe_of(const InstanceStatus& instance) {
  if (instance.probes_failed > 0) return "fails";
  return instance.probe_ms ? fmt::format("{} ms", *instance.probe_ms) : std::string(kNothing);
}

std::vector<Cell> row_of(const InstanceStatus& instance) {
  const auto if_running = [&](std::string text) {
    return instance.pid != 0 ? std::move(text) : std::string(kNothing);
  };
  std::string in_flight = grouped(instance.in_flight);
  if (instance.upgraded > 0) in_flight += fmt::format(" ({} upgraded)", grouped(instance.upgraded));
  const Colour colour = instance.probes_failed > 0 ? Colour::red : colour_of(instance.state);
  const bool reached = !instance.endpoint.empty();
  return {{harmless(instance.name)},
          {state_of(instance), colour},
          {if_running(fmt::format("{}", instance.pid))},
          {reached ? harmless(instance.endpoint) : std::string(kNothing)},
          {up(instance.uptime_s)},
          {reached ? if_running(std::move(in_flight)) : std::string(kNothing)},
          {fmt::format("{}", instance.restarts)},
          {percent(instance.cpu_percent)},
          {memory(instance.memory_bytes)},
          {instance.processes ? fmt::format("{}", *instance.processes) : std::string(kNothing)},
          {probe_of(instance), instance.probes_failed > 0 ? Colour::red : Colour::plain}};
}

Table instance_table() {
  return Table({{Align::left, "INSTANCE"},
                {Align::left, "STATE"},
                {Align::right, "PID", 1},
                {Align::left, "PLACE", 3},
                {Align::right, "UP", 5},
                {Align::right, "IN FLIGHT", 4},
                {Align::right, "RESTARTS", 8},
                {Align::right, "CPU", 2},
                {Align::right, "MEM", 6},
                {Align::right, "PROCS", 9},
                {Align::right, "PROBE", 7}});
}

// "exit 1 "PG::ConnectionBad: refused"", as far as it is known.
std::string last_words(const InstanceStatus& instance) {
  std::string text = harmless(instance.last_exit);
  if (!instance.last_line.empty()) text += fmt::format(" \"{}\"", harmless(instance.last_line));
  return text;
}

// What is wrong with an instance; empty: nothing is, or it is only beginning. `explained`: the daemon has
// told the cause already.
std::string trouble_of(const InstanceStatus& instance, bool explained) {
  const std::string failures =
      fmt::format("{} {}", instance.failures, instance.failures == 1 ? "failure" : "failures");
  const std::string name = harmless(instance.name);
  const std::string cause = explained ? "" : fmt::format(", {}: {}", failures, last_words(instance));
  if (among(instance.state, {"backoff", "crash-loop"})) {
    const std::string next = instance.due_s ? fmt::format(", next in {} s", *instance.due_s) : "";
    return fmt::format("{} {}{}{}", name, harmless(instance.state), cause, next);
  }
  if (instance.state == "fatal") return fmt::format("{} fatal{}: not started again", name, cause);
  if (instance.state == "unhealthy" || (instance.state == "healthy" && instance.probes_failed > 0)) {
    return fmt::format("{} {}: {}", name, state_of(instance), harmless(instance.probe));
  }
  return {};
}

// "43.1 restarted 2 min ago after exit 1 "KeyError: 'URL'""; empty: it runs as it was started, or its trouble
// is told.
std::string restart_of(const InstanceStatus& instance) {
  const bool well = among(instance.state, {"healthy", "draining"}) && instance.probes_failed == 0;
  if (!well || instance.restarts == 0 || instance.last_exit.empty() || !instance.uptime_s) return {};
  return fmt::format("{} restarted {} ago after {}", harmless(instance.name), age(*instance.uptime_s),
                     last_words(instance));
}

// "deploying @4: guarding, 6 s left (gvctl attach flask, gvctl abort flask)"
std::string deploy_line(const AppStatus& app, const DeployStatus& deploy) {
  std::string text = fmt::format("deploying @{}: {}", deploy.generation, harmless(deploy.phase));
  if (deploy.left_s) text += fmt::format(", {} s left", *deploy.left_s);
  if (deploy.draining > 0) {
    text += fmt::format(", {} {}", grouped(deploy.draining),
                        deploy.draining == 1 ? "request drains" : "requests drain");
  }
  const std::string name = harmless(app.name);
  text += fmt::format(" (gvctl attach {}", name);
  const bool undoable = !among(deploy.phase, {"finishing", "aborting", "rolling back", "ended"});
  if (undoable) text += fmt::format(", gvctl abort {}", name);
  return text + ")";
}

void add_note(std::string& out, const std::string& text, const StatusLook& look, Colour colour,
              std::string_view mark, std::size_t indent) {
  const std::string head = fmt::format("{:{}}{}  ", "", indent, mark);
  bool first = true;
  for (const std::string& line : fold(head + text, look.width, length(head))) {
    // The mark alone is coloured.
    const std::string shown =
        first ? fmt::format("{:{}}{}{}", "", indent, paint(std::string(mark), colour, look.style),
                            line.substr(std::min(indent + mark.size(), line.size())))
              : line;
    out += shown + "\n";
    first = false;
  }
}

void add_notes(std::string& out, const AppStatus& app, const StatusLook& look) {
  constexpr std::size_t kIndent = 2;
  const auto note = [&](const std::string& text, Colour colour, std::string_view mark) {
    add_note(out, text, look, colour, mark, kIndent);
  };
  if (app.deploy && app.deploy->running) note(deploy_line(app, *app.deploy), Colour::yellow, ">");
  if (app.stopped_uid) {
    const std::string ago = app.stopped_s ? fmt::format(" {} ago", age(*app.stopped_s)) : "";
    note(fmt::format("stopped by {}{}: gvctl start {}", base::user_text(*app.stopped_uid), ago,
                     harmless(app.name)),
         Colour::plain, ">");
  }
  const bool explained =
      std::ranges::find(app.problems, "unwell", &control::Problem::kind) != app.problems.end();
  for (const control::Problem& problem : app.problems) note(harmless(problem.text), Colour::red, "!");
  for (const InstanceStatus& instance : app.instances) {
    const std::string trouble = trouble_of(instance, explained);
    if (!trouble.empty()) note(trouble, Colour::red, "!");
    const std::string restart = look.instances ? restart_of(instance) : "";
    if (!restart.empty()) note(restart, Colour::plain, ">");
  }
}

// "restarted 3 times by its keeper (pid 4711), the former one ended by signal 9 (KILL)"
std::string restarts_text(const control::KeeperStatus& keeper) {
  const std::uint64_t restarts = keeper.starts - 1;
  std::string text =
      fmt::format("restarted {} by its keeper (pid {})",
                  restarts == 1 ? std::string("once") : grouped(restarts) + " times", keeper.pid);
  if (keeper.last_end.empty()) return text;
  const std::string_view how = keeper.last_end.starts_with("signal") ? "by" : "with";
  return text + fmt::format(", the former one ended {} {}", how, harmless(keeper.last_end));
}

// A daemon that had a former one says so for a day.
void add_daemon(std::string& out, const control::StatusReport& report, const StatusLook& look) {
  constexpr std::uint64_t kTold = 86400;
  const bool restarted = report.keeper.starts > 1;
  const bool lately = restarted && report.uptime_s < kTold;
  if (!lately && !look.verbose) return;
  std::string text = fmt::format("daemon pid {} since {}", report.pid, age(report.uptime_s));
  if (look.verbose) text += fmt::format(", version {}", harmless(report.version));
  // One of an older version does not tell its keeper.
  if (restarted) {
    text += ": " + restarts_text(report.keeper);
  } else if (report.keeper.pid != 0) {
    text += fmt::format(": its keeper has pid {}", report.keeper.pid);
  }
  if (look.verbose && report.keeper.pid != 0) {
    text += fmt::format("; version of the keeper {}", harmless(report.keeper.version));
  }
  add_note(out, text, look, lately ? Colour::red : Colour::plain, lately ? "!" : ">", 0);
}

// How what comes from an instance is known.
void add_cgroups(std::string& out, const control::StatusReport& report, const StatusLook& look) {
  if (!look.verbose) return;
  if (!report.cgroups.empty()) {
    add_note(out, "instances have cgroups in " + harmless(report.cgroups), look, Colour::plain, ">", 0);
  } else if (!report.no_cgroups.empty()) {
    add_note(out,
             "instances have no cgroups: " + harmless(report.no_cgroups) +
                 ": their processes are known by sessions, parents and marks",
             look, Colour::plain, ">", 0);
  }
}

// "3 connections, 2 of them WebSockets or TCP"
std::string connections_text(const control::PredecessorStatus& predecessor) {
  std::string text =
      grouped(predecessor.connections) + (predecessor.connections == 1 ? " connection" : " connections");
  if (predecessor.tunnels == 0) return text;
  if (predecessor.connections == 1) return text + ", a WebSocket or TCP";
  return text + fmt::format(", {} of them WebSockets or TCP", grouped(predecessor.tunnels));
}

// The daemon that was upgraded to this one, as long as it has clients.
void add_predecessor(std::string& out, const control::StatusReport& report, const StatusLook& look) {
  if (!report.predecessor) return;
  const control::PredecessorStatus& it = *report.predecessor;
  add_note(out,
           fmt::format("predecessor pid {}, version {}, drains since {}: {}: a further gvctl upgrade ends it "
                       "with --now",
                       it.pid, harmless(it.version), age(it.since_s), connections_text(it)),
           look, Colour::yellow, ">", 0);
}

void add_instances(std::string& out, const AppStatus& app, const StatusLook& look) {
  if (app.instances.empty()) return;
  Table table = instance_table();
  for (const InstanceStatus& instance : app.instances) table.add(row_of(instance));
  for (const std::string& line : table.lines(look.width, look.style, 2)) out += line + "\n";
}

}  // namespace

std::string render(const control::StatusReport& report, const StatusLook& look) {
  std::string out;
  Table table = app_table();
  for (const AppStatus& app : report.apps) table.add(row_of(app));
  const std::vector<std::string> lines = table.lines(look.width, look.style);
  if (report.apps.empty()) {
    out += "no apps are configured\n";
  } else {
    out += lines.front() + "\n";
  }
  for (std::size_t i = 0; i < report.apps.size(); ++i) {
    out += lines[i + 1] + "\n";
    if (look.instances) add_instances(out, report.apps[i], look);
    add_notes(out, report.apps[i], look);
  }
  for (const control::Problem& problem : report.problems) {
    add_note(out, harmless(problem.text), look, Colour::red, "!", 0);
  }
  add_daemon(out, report, look);
  add_cgroups(out, report, look);
  add_predecessor(out, report, look);
  return out;
}

std::string fit(const std::string& screen, std::size_t height) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(screen, '\n'));
  if (lines <= height || height < 2) return screen;
  std::size_t end = 0;
  for (std::size_t i = 0; i + 1 < height; ++i) end = screen.find('\n', end) + 1;
  return screen.substr(0, end) + fmt::format("… {} more lines: gvctl status APP\n", lines - height + 1);
}

bool all_well(const control::StatusReport& report) {
  return std::ranges::all_of(report.apps, [](const AppStatus& app) {
    return !app.should_run || (app.healthy >= app.wanted && app.state != "fatal");
  });
}

}  // namespace gracevisor::gvctl
