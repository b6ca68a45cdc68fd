#include "gvctl/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "control/target.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;
using http::Method;

int code(ExitCode exit) {
  return static_cast<int>(exit);
}

std::string app_path(const std::string& app) {
  return "/v1/apps/" + control::escape(app);
}

// "the deploy of web goes on"
std::string_view noun(Verb verb) {
  switch (verb) {
    case Verb::deploy: return "deploy";
    case Verb::abort: return "abort";
    case Verb::start: return "start";
    case Verb::stop: return "stop";
    case Verb::shutdown: return "shutdown";
    case Verb::status:
    case Verb::logs:
    case Verb::version: break;
  }
  return "command";
}

std::string body_of(const CommandLine& line) {
  return line.verb == Verb::stop ? control::to_json(control::StopOptions{line.now}) : "{}";
}

ExitCode exit_of(CallError::Kind kind) {
  switch (kind) {
    case CallError::Kind::unreachable:
    case CallError::Kind::lost: return ExitCode::unreachable;
    case CallError::Kind::not_permitted: return ExitCode::not_permitted;
    case CallError::Kind::unusable: return ExitCode::usage;
    case CallError::Kind::interrupted: return ExitCode::detached;
    case CallError::Kind::malformed:
    case CallError::Kind::failed: return ExitCode::failed;
  }
  return ExitCode::failed;
}

control::Error not_understood(const base::Error& error) {
  return {"the daemon's answer is not understood: " + error.what, ExitCode::failed, {}};
}

}  // namespace

int combined(const std::vector<int>& exits) {
  if (exits.size() == 1) return exits.front();
  bool good = std::all_of(exits.begin(), exits.end(), [](int exit) { return exit == code(ExitCode::done); });
  return code(good ? ExitCode::done : ExitCode::some_failed);
}

Commands::Commands(const CommandLine& line, const control::Client& client, Output& out, Output& err,
                   Style style)
    : line_(line), client_(client), out_(out), err_(err), style_(style) {}

int Commands::run() {
  switch (line_.verb) {
    case Verb::status: return status();
    case Verb::logs: return logs();
    case Verb::version: return version();
    case Verb::shutdown: return change("/v1/shutdown", "{}", "the shutdown");
    case Verb::deploy:
    case Verb::abort:
    case Verb::start:
    case Verb::stop: return change_apps();
  }
  return code(ExitCode::failed);
}

int Commands::fail(const control::Error& error) {
  if (line_.json) {
    out_.write(control::to_json(error) + "\n");
  } else {
    err_.write(render(error));
  }
  return code(error.exit);
}

int Commands::fail(const CallError& error) {
  return fail(control::Error{error.what, exit_of(error.kind), {}});
}

int Commands::fail(const control::Answer& answer) {
  return fail(control::read_error(answer.status, answer.body));
}

template <class Show>
int Commands::show(const std::string& path, Show show) {
  auto answer = client_.ask({Method::get, path, {}});
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return fail(*answer);
  if (line_.json) {
    std::string_view body = answer->body;
    if (body.ends_with('\n')) body.remove_suffix(1);
    out_.write(std::string(body) + "\n");
    return code(ExitCode::done);
  }
  base::Expected<std::string> text = show(answer->body);
  if (!text) return fail(not_understood(text.error()));
  out_.write(*text);
  return code(ExitCode::done);
}

std::expected<std::vector<std::string>, int> Commands::apps() {
  std::vector<std::string> known;
  auto many = [](const Selector& selector) { return selector.names_many(); };
  if (std::any_of(line_.selectors.begin(), line_.selectors.end(), many)) {
    auto answer = client_.ask({Method::get, "/v1/status", {}});
    if (!answer) return std::unexpected(fail(answer.error()));
    if (answer->status != 200) return std::unexpected(fail(*answer));
    auto report = control::read_status(answer->body);
    if (!report) return std::unexpected(fail(not_understood(report.error())));
    for (const control::AppStatus& app : report->apps) known.push_back(app.name);
  }
  auto picked = pick_apps(line_.selectors, known);
  if (!picked) return std::unexpected(fail(control::Error{picked.error().what, ExitCode::no_such_app, {}}));
  return std::move(*picked);
}

int Commands::status() {
  auto is_all = [](const Selector& selector) { return selector.app == "all"; };
  if (std::all_of(line_.selectors.begin(), line_.selectors.end(), is_all)) {
    return show("/v1/status", [&](const std::string& body) -> base::Expected<std::string> {
      auto report = control::read_status(body);
      if (!report) return std::unexpected(report.error());
      std::string apps = report->apps.empty() ? "no apps are configured\n" : render(report->apps, style_);
      return apps + render_problems(report->problems, style_);
    });
  }
  auto names = apps();
  if (!names) return names.error();
  std::vector<int> exits;
  for (const std::string& name : *names) {
    exits.push_back(show(app_path(name), [&](const std::string& body) -> base::Expected<std::string> {
      auto app = control::read_app_status(body);
      if (!app) return std::unexpected(app.error());
      return render(std::span(&*app, 1), style_);
    }));
  }
  return combined(exits);
}

int Commands::version() {
  if (!line_.json) out_.write("gvctl " GV_VERSION "\n");
  return show("/v1/version", [](const std::string& body) -> base::Expected<std::string> {
    auto version = control::read_version(body);
    if (!version) return std::unexpected(version.error());
    return fmt::format("gracevisord {} (pid {})\n", version->version, version->pid);
  });
}

int Commands::logs() {
  const Selector& selector = line_.selectors.front();
  std::string target = fmt::format("{}/logs?n={}", app_path(selector.app), line_.lines);
  if (line_.follow) target += "&follow=1";
  if (!selector.whole_app()) target += "&instance=" + selector.instance();
  LogStyle how{style_, line_.time, out_.terminal()};
  std::optional<base::Error> trouble;
  auto result = client_.stream({Method::get, target, {}}, [&](std::string_view json) {
    if (line_.json) return out_.write(std::string(json) + "\n");
    auto parsed = control::read_log_line(json);
    if (!parsed) trouble = parsed.error();
    return parsed && out_.write(render(selector.app, *parsed, how));
  });
  if (!result) return fail(result.error());
  if (result->status != 200) return fail(*result);
  if (trouble) return fail(not_understood(*trouble));
  return code(ExitCode::done);
}

int Commands::change_apps() {
  auto names = apps();
  if (!names) return names.error();
  std::vector<int> exits;
  for (const std::string& name : *names) {
    std::string path = fmt::format("{}/{}", app_path(name), noun(line_.verb));
    exits.push_back(change(path, body_of(line_), fmt::format("the {} of {}", noun(line_.verb), name)));
    // A user who presses Ctrl-C does not want the next app's deploy either.
    if (exits.back() == code(ExitCode::detached)) return exits.back();
  }
  return combined(exits);
}

int Commands::change(const std::string& path, const std::string& body, const std::string& what) {
  std::optional<int> exit;
  std::optional<base::Error> trouble;
  auto result = client_.stream({Method::post, path, body}, [&](std::string_view json) {
    auto parsed = control::read_report_line(json);
    if (!parsed) {
      trouble = parsed.error();
      return false;
    }
    if (parsed->exit) exit = parsed->exit;
    // Waits for the end of the report whether or not anyone reads it.
    out_.write(line_.json ? std::string(json) + "\n" : render(*parsed, style_));
    return !line_.no_wait;
  });
  if (!result && result.error().kind == CallError::Kind::interrupted) {
    err_.write(fmt::format("gvctl: no longer waiting: {} goes on (gvctl status)\n", what));
    return code(ExitCode::detached);
  }
  if (!result) return fail(result.error());
  if (result->status != 200) return fail(*result);
  if (trouble) return fail(not_understood(*trouble));
  if (exit) return *exit;
  if (line_.no_wait) return code(ExitCode::done);
  return fail(control::Error{"the daemon did not say how " + what + " ended", ExitCode::failed, {}});
}

}  // namespace gracevisor::gvctl
