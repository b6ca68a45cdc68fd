// gvctl when the daemon ends before the report of a command is whole: what became of it, as the next daemon
// tells. A deploy that the next daemon goes on with is followed further; all else is in the app's history, or
// follows from the app's state (aftermath.h).
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "gvctl/answers.h"
#include "gvctl/commands.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;
using http::Method;
using std::chrono::steady_clock;
using std::chrono::system_clock;
using Kind = CallError::Kind;

// Most often the next daemon is there by then.
constexpr base::Millis kSoon(300);
constexpr base::Millis kAskAgain(200);
// The keeper starts one after 5 s at the latest, and a start takes its time.
constexpr std::chrono::seconds kNextDaemon(30);
// Of what the state shows as going on.
constexpr std::chrono::minutes kLongest(30);

constexpr std::string_view kGone = "the daemon has gone: waiting for the next one";

control::ReportLine last_line(std::string phase, std::string text, int exit) {
  return {.phase = std::move(phase), .at_ms = {}, .text = std::move(text), .exit = exit, .fields = {}};
}

}  // namespace

void Commands::tell_gone() {
  if (line_.json) {
    out_.write(control::to_json(control::ReportLine{
                   .phase = "restarted", .at_ms = {}, .text = std::string(kGone), .exit = {}, .fields = {}}) +
               "\n");
  } else {
    err_.write(fmt::format("gvctl: {}\n", kGone));
  }
}

int Commands::stop_waiting(const CallError& error, const std::string& what) {
  if (error.kind == Kind::interrupted || error.kind == Kind::late) {
    err_.write(fmt::format("gvctl: no longer waiting: the next daemon knows of {} (gvctl status)\n", what));
    return code(ExitCode::detached);
  }
  return fail(error, {fmt::format("what became of {} is not known", what)});
}

std::optional<int> Commands::await_next(const CallError& how, const std::string& what) {
  const auto until = steady_clock::now() + kNextDaemon;
  for (bool told = false;; told = true) {
    auto answer = client_.with_patience(told ? kAnswers : kSoon).ask({Method::get, "/v1/version", {}});
    const auto version = answer ? control::read_version(answer->body) : base::fail("no answer");
    if (answer && answer->status == 200 && version) {
      // It has only ended the connection.
      if (daemon_.pid != 0 && version->pid == daemon_.pid) return fail(how);
      const bool upgraded = daemon_.pid != 0 && version->took_over_from == daemon_.pid;
      if (!told && !upgraded) tell_gone();
      daemon_ = *version;
      return std::nullopt;
    }
    if (answer && answer->status != 503) return fail(*answer);  // 503: it has no room at the moment
    const bool due = steady_clock::now() >= until;
    if (!answer && (due || (answer.error().kind != Kind::silent && answer.error().kind != Kind::lost))) {
      return stop_waiting(answer.error(), what);
    }
    if (due) return fail(*answer);
    if (!told) tell_gone();
    if (answer || answer.error().kind == Kind::lost) std::this_thread::sleep_for(kAskAgain);
  }
}

bool Commands::handed_over() {
  auto answer = client_.with_patience(kSoon).ask({Method::get, "/v1/version", {}});
  const auto version = answer ? control::read_version(answer->body) : base::fail("no answer");
  if (!version || answer->status != 200) return false;
  const int former = std::exchange(daemon_, *version).pid;
  return former != 0 && version->took_over_from == former;
}

// As the daemon relays the lines of an app's part in a command for several.
void Commands::tell(control::ReportLine line, const std::string& app, Among among) {
  if (among == Among::several) {
    line.app = app;
    if (line.exit) line.fields.emplace_back("exit_code", std::int64_t{*line.exit});
    line.exit.reset();
  }
  out_.write(line_.json ? control::to_json(line) + "\n" : render(line, style_));
}

int Commands::resume(const Order& order, const Told& told, base::WallTime sent, const CallError& how) {
  if (line_.verb == Verb::upgrade) return resume_upgrade(told, how);
  if (auto failed = await_next(how, order.what)) return *failed;
  if (line_.dry_run) return change(order);  // it changes nothing
  if (line_.verb == Verb::shutdown) {
    constexpr int kExit = code(ExitCode::aborted);
    tell(last_line("failed", "the shutdown aborted: the daemon was restarted: gvctl shutdown", kExit), "",
         Among::one);
    return kExit;
  }
  if (order.path == "/v1/reload") return resume_several(order, told, sent);
  const Lost lost{.verb = line_.verb,
                  .app = order.apps.front(),
                  .instance = order.instance,
                  .word = line_.word,
                  .sent = sent,
                  .generation = told.of("").generation};
  return settle(lost, order.what, Among::one);
}

// What the daemon had not begun is nobody's any more.
int Commands::resume_several(const Order& order, const Told& told, base::WallTime sent) {
  std::vector<std::string> apps = order.apps;
  if (line_.verb == Verb::reload) {
    // What else a reload does leaves no trace; its deploys do.
    for (const auto& [app, of] : told.apps()) {
      if (!app.empty() && of.generation) apps.push_back(app);
    }
  }
  std::vector<int> exits;
  for (const std::string& app : apps) {
    const Told::Of of = told.of(app);
    const Lost lost{.verb = Verb::deploy, .app = app, .sent = sent, .generation = of.generation};
    exits.push_back(of.exit ? *of.exit : settle(lost, "the deploy of " + app, Among::several));
    if (exits.back() == code(ExitCode::detached)) return exits.back();
  }
  if (line_.verb == Verb::reload) {
    tell(last_line("failed",
                   "the reload aborted: the daemon was restarted: gvctl reload --dry-run says what is left",
                   code(ExitCode::aborted)),
         "", Among::one);
    return code(ExitCode::aborted);
  }
  const int exit = combined(exits);
  const auto good = std::ranges::count(exits, code(ExitCode::done));
  tell(last_line(exit == code(ExitCode::done) ? "done" : "failed",
                 fmt::format("{} of {} deployed; the daemon was restarted meanwhile", good, exits.size()),
                 exit),
       "", Among::one);
  return exit;
}

int Commands::settle(const Lost& lost, const std::string& what, Among among) {
  const auto until = steady_clock::now() + kLongest;
  int daemons = 1;
  for (;;) {
    const Ended ended = look(lost, among);
    if (ended && *ended) return **ended;
    if (!ended) {
      if (ended.error().kind != Kind::lost || ++daemons > kMostDaemons) {
        return stop_waiting(ended.error(), what);
      }
      if (auto failed = await_next(ended.error(), what)) return *failed;
      continue;
    }
    if (steady_clock::now() >= until) {
      err_.write(fmt::format("gvctl: no longer waiting: {} goes on (gvctl status)\n", what));
      return code(ExitCode::detached);
    }
    std::this_thread::sleep_for(kAskAgain);
  }
}

// In this order: what ends meanwhile is found by the next look.
Commands::Ended Commands::look(const Lost& lost, Among among) {
  if (goes_on(lost.verb)) {
    auto followed = follow_resumed(lost, among);
    if (!followed || *followed) return followed;
  }
  auto past = client_.ask({Method::get, app_path(lost.app) + "/history", {}});
  if (!past) return std::unexpected(past.error());
  if (past->status == 200) {
    auto history = control::read_history(past->body);
    if (!history) return fail(not_understood(history.error()));
    if (const control::PastCommand* entry = entry_of(*history, lost); entry != nullptr) {
      tell(entry->lines.empty() ? last_line(entry->exit == 0 ? "done" : "failed", entry->text, entry->exit)
                                : entry->lines.back(),
           lost.app, among);
      return entry->exit;
    }
  }
  auto answer = client_.ask({Method::get, "/v1/status", {}});
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200) return fail(*answer);
  auto report = control::read_status(answer->body);
  if (!report) return fail(not_understood(report.error()));
  const auto app = std::ranges::find(report->apps, lost.app, &control::AppStatus::name);
  auto line = judge(app == report->apps.end() ? nullptr : &*app, lost, system_clock::now());
  if (!line) return std::nullopt;
  const int exit = line->exit.value_or(code(ExitCode::failed));
  tell(std::move(*line), lost.app, among);
  return exit;
}

// Nothing: it is not what is under way, if anything is.
Commands::Ended Commands::follow_resumed(const Lost& lost, Among among) {
  std::optional<int> exit;
  bool begun = false;
  const auto take = [&](const control::ReportLine& line, std::string_view /*json*/) {
    if (!begun) {
      begun = is_its_heading(line, lost, system_clock::now());
      if (!begun) return false;
      if (line_.no_wait || (line_.until_cutover && has_cut_over(line))) exit = code(ExitCode::done);
    }
    tell(line, lost.app, among);
    if (line.exit) exit = line.exit;
    return !exit;
  };
  const Streamed streamed = stream_report(Method::get, app_path(lost.app) + "/attach", {}, take);
  if (!streamed.result) return std::unexpected(streamed.result.error());
  if (streamed.trouble) return fail(not_understood(*streamed.trouble));
  return exit;
}

}  // namespace gracevisor::gvctl
