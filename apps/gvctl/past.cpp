// gvctl's commands about what is being done to apps, and what was: attach, wait, history; and the environment
// of their processes.
#include <fmt/format.h>

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
  std::optional<int> exit;
  const auto take = [&](const control::ReportLine& line, std::string_view json) {
    if (line.exit) exit = line.exit;
    if (shown == Shown::the_end && !line.exit) return true;
    if (shown == Shown::the_end && !line_.json && several) out_.write(app + ": ");
    return out_.write(line_.json ? std::string(json) + "\n" : render(line, style_, false));
  };
  const Streamed streamed = stream_report(Method::get, app_path(app) + "/" + verb, {}, take);
  if (streamed.ended_by(CallError::Kind::interrupted)) {
    err_.write(fmt::format("gvctl: no longer waiting: what is under way for {} goes on\n", app));
    return code(ExitCode::detached);
  }
  if (streamed.ended_by(CallError::Kind::late)) {
    err_.write(fmt::format("gvctl: what is under way for {} goes on (gvctl attach {})\n", app, app));
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
  auto answer = client_.ask({Method::get, "/v1/status", {}});
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
