// gvctl's commands about what is being done to apps, and what was: attach, wait, history; and the environment
// of their processes.
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "gvctl/answers.h"
#include "gvctl/commands.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {

using control::CallError;
using control::ExitCode;
using http::Method;

int Commands::attach() {
  return follow(line_.selectors.front().app, "attach", Shown::everything);
}

int Commands::wait() {
  auto names = apps();
  if (!names) return names.error();
  std::vector<int> exits;
  for (const std::string& name : *names) {
    exits.push_back(follow(name, "wait", Shown::the_end));
    if (exits.back() == code(ExitCode::detached)) return exits.back();
  }
  return combined(exits);
}

int Commands::follow(const std::string& app, const std::string& verb, Shown shown) {
  const bool several = line_.selectors.size() > 1 || line_.selectors.front().names_many();
  const std::string what = "what is under way for " + app;
  const base::WallTime began = std::chrono::system_clock::now();
  std::optional<int> exit;
  Told told;
  const auto take = [&](const control::ReportLine& line, std::string_view json) {
    told.note(line);
    if (line.exit) exit = line.exit;
    if (shown == Shown::the_end && !line.exit) return true;
    if (shown == Shown::the_end && !line_.json && several) out_.write(app + ": ");
    return out_.write(line_.json ? std::string(json) + "\n" : render(line, style_));
  };
  const auto stream = [&] { return stream_report(Method::get, app_path(app) + "/" + verb, {}, take); };
  Streamed streamed = stream();
  for (int daemons = 1; daemons < kMostDaemons && streamed.ended_by(CallError::Kind::lost); ++daemons) {
    if (auto failed = await_next(streamed.result.error(), what)) return *failed;
    // Whoever waits waits for whatever is under way.
    if (shown == Shown::everything && !told.heading().empty()) {
      Lost lost{.verb = told.heading() == "stop" ? Verb::stop : Verb::attach, .app = app, .sent = began};
      lost.generation = told.of("").generation;
      if (lost.generation) lost.verb = Verb::deploy;
      return settle(lost, what, Among::one);
    }
    streamed = stream();
  }
  if (streamed.ended_by(CallError::Kind::interrupted)) {
    err_.write(fmt::format("gvctl: no longer waiting: {} goes on\n", what));
    return code(ExitCode::detached);
  }
  if (streamed.ended_by(CallError::Kind::late)) {
    err_.write(fmt::format("gvctl: {} goes on (gvctl attach {})\n", what, app));
    return code(ExitCode::detached);
  }
  if (auto failure = failure_of(streamed)) return *failure;
  if (exit) return *exit;
  return fail(control::Error{"the daemon did not say how it ended", ExitCode::failed, {}});
}

int Commands::history() {
  const Selector& selector = line_.selectors.front();
  std::string path = app_path(selector.app) + "/history";
  if (selector.generation) path += fmt::format("?generation={}", *selector.generation);
  return show(path, [&](const std::string& body) -> base::Expected<std::string> {
    auto history = control::read_history(body);
    if (!history) return std::unexpected(history.error());
    return selector.generation ? render_reports(*history, style_) : render(*history, style_);
  });
}

int Commands::environment() {
  std::string path = app_path(line_.selectors.front().app) + "/environment";
  if (line_.unmask) path += "/values";
  return show(path, [&](const std::string& body) -> base::Expected<std::string> {
    auto environment = control::read_environment(body);
    if (!environment) return std::unexpected(environment.error());
    return line_.unmask ? render_values(*environment) : render(*environment, style_);
  });
}

// For completion: one word a line, whatever the reason why there are none.
int Commands::names() {
  auto answer = ask("/v1/status");
  if (!answer || answer->status != 200) return code(ExitCode::failed);
  auto report = control::read_status(answer->body);
  if (!report) return code(ExitCode::failed);
  for (const control::AppStatus& app : report->apps) {
    out_.write(harmless(app.name) + "\n");
    if (!line_.generations) continue;
    std::string generation;
    for (const control::InstanceStatus& instance : app.instances) {
      const std::string of = instance.name.substr(0, instance.name.find('.'));
      if (of != generation) out_.write(fmt::format("{}@{}\n", harmless(app.name), harmless(of)));
      generation = of;
      out_.write(fmt::format("{}@{}\n", harmless(app.name), harmless(instance.name)));
    }
  }
  return code(ExitCode::done);
}

}  // namespace gracevisor::gvctl
