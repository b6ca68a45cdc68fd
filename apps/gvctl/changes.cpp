// gvctl's commands that change something: each follows the daemon's report to its end.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <set>

#include "gvctl/answers.h"
#include "gvctl/commands.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;
using http::Method;

control::ScaleOptions scale_options(const std::string& word) {
  control::ScaleOptions options{.instances = {}, .more = {}, .file = word == "file"};
  if (options.file) return options;
  const bool relative = word.starts_with('+') || word.starts_with('-');
  int number = 0;
  // Checked by the command line.
  const char* begin = word.data() + (word.starts_with('+') ? 1 : 0);
  (void)std::from_chars(begin, word.data() + word.size(), number);
  (relative ? options.more : options.instances) = number;
  return options;
}

// What is asked of the daemon for one app: "the deploy of web goes on".
struct Change {
  std::string_view noun = "command";  // the end of its path, too
  std::string body = "{}";
};

// How the files differ from what runs, without its age; that they cannot be read has none.
std::string drift_of(const control::ReportLine& line) {
  return line.keys.empty() ? line.text : fmt::format("{}", fmt::join(line.keys, " "));
}

Change change_of(const CommandLine& line, const std::string& instance) {
  using control::to_json;
  switch (line.verb) {
    case Verb::deploy: return {"deploy"};
    case Verb::abort: return {"abort"};
    case Verb::start: return {"start", to_json(control::StartOptions{line.same})};
    case Verb::stop: return {"stop", to_json(control::StopOptions{line.now})};
    case Verb::kill: return {"kill", to_json(control::KillOptions{instance})};
    case Verb::signal:
      return {"signal", to_json(control::SignalOptions{line.word, instance, line.group, line.force})};
    case Verb::scale: return {"scale", to_json(scale_options(line.word))};
    case Verb::reload:
    case Verb::upgrade:
    case Verb::shutdown:
    case Verb::status:
    case Verb::attach:
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
  return {};
}

}  // namespace

int Commands::reload() {
  control::ReloadOptions options{
      .apps = {}, .dry_run = line_.dry_run, .remove = line_.remove, .deploy = false};
  const bool all = std::ranges::any_of(line_.selectors, [](const Selector& one) { return one.app == "all"; });
  if (!line_.selectors.empty() && !all) {
    auto names = apps();
    if (!names) return names.error();
    options.apps = std::move(*names);
  }
  return change({"/v1/reload", control::to_json(options), "the reload"});
}

// Several apps are deployed by one command of the daemon, some at a time; so is what is only rehearsed.
int Commands::deploy() {
  if (line_.selectors.size() == 1 && !line_.selectors.front().names_many() && !line_.dry_run) {
    return change_apps();
  }
  auto names = apps();
  if (!names) return names.error();
  if (names->empty()) {
    return fail(control::Error{"there are no apps to deploy", ExitCode::no_such_app, {}});
  }
  const control::ReloadOptions options{
      .apps = *names, .dry_run = line_.dry_run, .remove = false, .deploy = true};
  return change({"/v1/reload", control::to_json(options), "the deploy", *names});
}

int Commands::change_apps() {
  auto targets = this->targets();
  if (!targets) return targets.error();
  std::vector<int> exits;
  for (const Target& target : *targets) {
    const Change asked = change_of(line_, target.instance);
    const std::string path = fmt::format("{}/{}", app_path(target.app), asked.noun);
    const std::string name =
        target.instance.empty() ? target.app : fmt::format("{}@{}", target.app, target.instance);
    exits.push_back(change(
        {path, asked.body, fmt::format("the {} of {}", asked.noun, name), {target.app}, target.instance}));
    // A user who presses Ctrl-C does not want the next app's deploy either.
    if (exits.back() == code(ExitCode::detached)) return exits.back();
  }
  return combined(exits);
}

std::optional<int> Commands::Until::take(const control::ReportLine& line) {
  const bool over = line.phase == "cutover" || line.phase == "done" || line.phase == "failed";
  if (!over || waiting_.empty()) return std::nullopt;
  failed_ = failed_ || line.phase == "failed";
  if (line.app.empty()) {
    waiting_.clear();
  } else {
    waiting_.erase(line.app);
  }
  if (!waiting_.empty()) return std::nullopt;
  return code(failed_ ? ExitCode::some_failed : ExitCode::done);
}

Commands::Streamed Commands::stream_report(Method method, const std::string& path, const std::string& body,
                                           const TakeLine& take) {
  LiveLine live(out_);
  const std::string target = live.possible() && !line_.json ? path + "?live=1" : path;
  std::optional<base::Error> trouble;
  auto result = client_.stream({method, target, body}, [&](std::string_view json) {
    auto parsed = control::read_report_line(json);
    if (!parsed) {
      trouble = parsed.error();
      return false;
    }
    live.clear();
    if (parsed->phase != control::kLivePhase) return take(*parsed, json);
    live.show(fmt::format("  {}", harmless(parsed->text)));
    return true;
  });
  return {std::move(result), std::move(trouble)};
}

std::optional<int> Commands::failure_of(const Streamed& streamed) {
  if (!streamed.result) return fail(streamed.result.error());
  if (streamed.result->status != 200) return fail(*streamed.result);
  if (streamed.trouble) return fail(not_understood(*streamed.trouble));
  return std::nullopt;
}

int Commands::change(const Order& order) {
  const Reported reported = line_.verb == Verb::upgrade ? Reported::upgrade
                            : line_.dry_run             ? Reported::plan
                                                        : Reported::command;
  const base::WallTime sent = std::chrono::system_clock::now();
  std::optional<int> exit;
  Told told;
  Until cutover(line_.until_cutover ? order.apps : std::vector<std::string>());
  const auto take = [&](const control::ReportLine& line, std::string_view json) {
    told.note(line);
    const bool begun = line.phase == "begun";
    // Waits for the end of the report whether or not anyone reads it.
    // What holds for all apps is said once.
    const bool said = line.phase == "drift" && !differs_said_.insert(drift_of(line)).second;
    if (line_.json) {
      out_.write(std::string(json) + "\n");
    } else if (!begun && !said) {
      out_.write(render(line, style_, reported));
    }
    if (line.exit) {
      exit = line.exit;
    } else if (auto enough = cutover.take(line)) {
      exit = enough;
      return false;
    }
    // The plan of a reload is whole when it has begun.
    return !line_.no_wait || (order.path == "/v1/reload" && !begun);
  };
  const Streamed streamed = stream_report(Method::post, order.path, order.body, take);
  if (streamed.ended_by(CallError::Kind::interrupted)) {
    err_.write(fmt::format("gvctl: no longer waiting: {} goes on (gvctl status)\n", order.what));
    return code(ExitCode::detached);
  }
  if (streamed.ended_by(CallError::Kind::lost)) {
    return resume(order, told, sent, streamed.result.error());
  }
  if (auto failure = failure_of(streamed)) return *failure;
  if (exit) return *exit;
  if (line_.no_wait) return code(ExitCode::done);
  return fail(control::Error{"the daemon did not say how " + order.what + " ended", ExitCode::failed, {}});
}

}  // namespace gracevisor::gvctl
