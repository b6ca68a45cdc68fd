#include "gvctl/aftermath.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ranges>
#include <string_view>
#include <variant>

#include "gvctl/answers.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::AppStatus;
using control::ExitCode;
using control::InstanceStatus;
using control::ReportLine;
using std::chrono::seconds;

constexpr std::string_view kRestarted = "the daemon was restarted";

ReportLine ended(std::string_view phase, ExitCode exit, std::string text) {
  ReportLine line{
      .phase = std::string(phase), .at_ms = {}, .text = std::move(text), .exit = code(exit), .fields = {}};
  return line;
}
ReportLine done(std::string text) {
  return ended("done", ExitCode::done, std::move(text));
}
ReportLine aborted(const std::string& what) {
  return ended("failed", ExitCode::aborted, fmt::format("{} aborted: {}", what, kRestarted));
}
ReportLine unknown(const std::string& what, const std::string& is) {
  return ended("failed", ExitCode::failed,
               fmt::format("{}, and what became of {} is not known{}{}", kRestarted, what,
                           is.empty() ? "" : ": ", is));
}

template <class T>
const T* field(const ReportLine& line, std::string_view name) {
  for (const auto& [key, value] : line.fields) {
    if (key == name) return std::get_if<T>(&value);
  }
  return nullptr;
}

std::string count_of(const AppStatus& app) {
  return fmt::format("{} has {} instance{}, {} healthy", app.name, app.wanted, app.wanted == 1 ? "" : "s",
                     app.healthy);
}

// Of what should run; unset: it is being started.
std::optional<ReportLine> judge_start(const AppStatus& app) {
  if (app.healthy >= app.wanted) {
    return done(fmt::format("{}@{}  {}/{} healthy", app.name, app.generation, app.healthy, app.wanted));
  }
  if (!among(app.state, {"backoff", "crash-loop", "fatal"})) return std::nullopt;
  return ended("failed", ExitCode::exited_before_healthy,
               fmt::format("{}@{} {}: gvctl status {}", app.name, app.generation, app.state, app.name));
}

std::optional<ReportLine> judge_deploy(const AppStatus& app, const Lost& lost) {
  const std::string name = lost.generation ? fmt::format("{}@{}", app.name, *lost.generation) : app.name;
  const bool ours = app.deploy && (!lost.generation || app.deploy->generation == *lost.generation);
  if (ours && app.deploy->running) return std::nullopt;
  if (lost.generation && app.should_run && app.generation == *lost.generation) {
    return done(name + " is live; its report was lost");
  }
  return aborted(name);
}

std::optional<ReportLine> judge_stop(const AppStatus& app) {
  if (app.should_run) return aborted(fmt::format("{} runs: its stop", app.name));
  if (app.state != "stopped") return std::nullopt;
  ReportLine line = done(fmt::format("{}, stays stopped: gvctl start {}", app.name, app.name));
  line.phase = "stopped";
  return line;
}

// "43.1" is one of "43".
bool selected(const InstanceStatus& instance, const std::string& by) {
  return instance.name == by || instance.name.starts_with(by + ".");
}

// When a process started is known to the second.
ReportLine judge_kill(const AppStatus& app, const Lost& lost, base::WallTime now) {
  const std::string what = fmt::format("the kill of {}@{}", lost.app, lost.instance);
  bool sure = true;
  for (const InstanceStatus& one : app.instances) {
    if (!selected(one, lost.instance) || one.pid == 0 || !one.uptime_s) continue;
    const base::WallTime latest = now - seconds(*one.uptime_s);
    if (latest <= lost.sent) {
      return aborted(fmt::format("{}@{} runs with pid {}: the kill", lost.app, one.name, one.pid));
    }
    sure = sure && latest - seconds(1) >= lost.sent;
  }
  if (!sure) return unknown(what, fmt::format("gvctl status {}", lost.app));
  return done("killed");
}

std::optional<ReportLine> judge_scale(const AppStatus& app, const Lost& lost) {
  const std::string what = fmt::format("the scale of {}", app.name);
  const bool relative = lost.word.starts_with('+') || lost.word.starts_with('-');
  if (relative) return unknown(what, count_of(app));
  if (!app.should_run) return aborted(what);
  std::uint64_t number = 0;
  (void)std::from_chars(lost.word.data(), lost.word.data() + lost.word.size(), number);
  const bool taken = lost.word == "file" ? !app.scaled_from : app.wanted == number;
  if (!taken) return aborted(fmt::format("{}: its scale", count_of(app)));
  return judge_start(app);
}

std::optional<ReportLine> judge_abort(const AppStatus& app) {
  const std::string what = fmt::format("the abort of {}", app.name);
  if (!app.deploy) return unknown(what, "no deploy is under way");
  const control::DeployStatus& deploy = *app.deploy;
  if (deploy.running && among(deploy.phase, {"aborting", "rolling back"})) return std::nullopt;
  if (deploy.running) return aborted(fmt::format("the deploy of {} goes on: its abort", app.name));
  if (deploy.exit == code(ExitCode::aborted) || deploy.exit == code(ExitCode::rolled_back)) {
    return ended("aborted", ExitCode::done, deploy.text);
  }
  return unknown(what, deploy.text);
}

std::string_view word_of(Verb verb) {
  switch (verb) {
    case Verb::deploy: return "deploy";
    case Verb::abort: return "abort";
    case Verb::start: return "start";
    case Verb::stop: return "stop";
    case Verb::kill: return "kill";
    case Verb::signal: return "signal";
    case Verb::scale: return "scale";
    case Verb::reload: return "reload";
    case Verb::attach:
    case Verb::shutdown:
    case Verb::upgrade:
    case Verb::status:
    case Verb::wait:
    case Verb::history:
    case Verb::logs:
    case Verb::environment:
    case Verb::show:
    case Verb::check:
    case Verb::names:
    case Verb::schema:
    case Verb::version: break;
  }
  return "";
}

}  // namespace

void Told::note(const ReportLine& line) {
  if (heading_.empty()) heading_ = line.phase;
  if (const auto generation = generation_of(line)) apps_[line.app].generation = generation;
  if (const auto* exit = field<std::int64_t>(line, "exit_code"))
    apps_[line.app].exit = static_cast<int>(*exit);
  served_ = served_ || line.phase == "serving";
  const auto* pid = field<std::int64_t>(line, "pid");
  if (line.phase == "start" && pid != nullptr) successor_ = *pid;
}

Told::Of Told::of(const std::string& app) const {
  const auto found = apps_.find(app);
  return found == apps_.end() ? Of() : found->second;
}

std::optional<std::uint64_t> generation_of(const ReportLine& line) {
  const auto* generation = field<std::int64_t>(line, "generation");
  if (line.phase != "deploy" || generation == nullptr || *generation <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*generation);
}

bool goes_on(Verb verb) {
  return verb == Verb::deploy || verb == Verb::start || verb == Verb::reload;
}

bool is_its_heading(const ReportLine& line, const Lost& lost, base::WallTime now) {
  const auto generation = generation_of(line);
  if (!generation) return false;
  if (lost.generation) return *generation == *lost.generation;
  // It began at that time at the latest, to the second.
  return now - base::Millis(line.at_ms.value_or(0)) + seconds(1) >= lost.sent;
}

bool has_cut_over(const ReportLine& heading) {
  const auto* step = field<std::string>(heading, "step");
  return step != nullptr && among(*step, {"guarding", "finishing"});
}

const control::PastCommand* entry_of(const control::History& history, const Lost& lost) {
  for (const control::PastCommand& one : history.commands | std::views::reverse) {
    if (lost.generation) {
      // Other commands concern it too.
      if (one.generation == *lost.generation && among(one.verb, {"deploy", "start", "reload"})) return &one;
      continue;
    }
    const auto at = base::parse_rfc3339(one.at);
    if (one.verb == word_of(lost.verb) && at && *at >= std::chrono::floor<seconds>(lost.sent)) return &one;
  }
  return nullptr;
}

std::optional<ReportLine> judge(const AppStatus* app, const Lost& lost, base::WallTime now) {
  const std::string what = fmt::format("the {} of {}{}{}", word_of(lost.verb), lost.app,
                                       lost.instance.empty() ? "" : "@", lost.instance);
  if (app == nullptr) {
    ReportLine line = aborted(what);
    line.text += ", and the daemon does not know the app";
    return line;
  }
  switch (lost.verb) {
    case Verb::deploy:
    case Verb::reload: return judge_deploy(*app, lost);
    case Verb::start: return app->should_run ? judge_start(*app) : aborted(what);
    case Verb::stop: return judge_stop(*app);
    case Verb::kill: return lost.instance.empty() ? judge_stop(*app) : judge_kill(*app, lost, now);
    case Verb::scale: return judge_scale(*app, lost);
    case Verb::abort: return judge_abort(*app);
    case Verb::signal: return unknown(what, "");
    case Verb::attach:
      return unknown(fmt::format("what was under way for {}", lost.app),
                     fmt::format("gvctl history {}", lost.app));
    case Verb::shutdown:
    case Verb::upgrade:
    case Verb::status:
    case Verb::wait:
    case Verb::history:
    case Verb::logs:
    case Verb::environment:
    case Verb::show:
    case Verb::check:
    case Verb::names:
    case Verb::schema:
    case Verb::version: break;
  }
  return unknown("what was asked for", "");
}

}  // namespace gracevisor::gvctl
