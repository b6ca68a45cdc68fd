#include "gvctl/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "gvctl/answers.h"
#include "gvctl/daemon_socket.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;
using http::Method;

ExitCode exit_of(CallError::Kind kind) {
  switch (kind) {
    case CallError::Kind::unreachable:
    case CallError::Kind::silent:
    case CallError::Kind::lost: return ExitCode::unreachable;
    case CallError::Kind::not_permitted: return ExitCode::not_permitted;
    case CallError::Kind::unusable: return ExitCode::usage;
    case CallError::Kind::interrupted:
    case CallError::Kind::late: return ExitCode::detached;
    case CallError::Kind::malformed:
    case CallError::Kind::failed: return ExitCode::failed;
  }
  return ExitCode::failed;
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

std::optional<int> Commands::greet() {
  auto answer = ask(client_.with_patience(kAnswers), "/v1/version");
  if (!answer) return fail(answer.error());
  // A refusal is one of the command, too.
  if (auto version = control::read_version(answer->body); version && answer->status == 200) {
    daemon_ = *version;
  }
  return std::nullopt;
}

int Commands::run() {
  switch (line_.verb) {
    case Verb::status: return status();
    case Verb::logs: return logs();
    case Verb::version: return version();
    case Verb::names: return names();
    case Verb::schema: return schema();
    case Verb::history: return history();
    case Verb::environment: return environment();
    case Verb::show: return settings();
    case Verb::check: return check();
    case Verb::attach: return attach();
    case Verb::wait: return wait();
    case Verb::upgrade: return upgrade();
    case Verb::shutdown: return change({"/v1/shutdown", "{}", "the shutdown"});
    case Verb::deploy: return deploy();
    case Verb::abort:
    case Verb::start:
    case Verb::stop:
    case Verb::kill:
    case Verb::signal:
    case Verb::scale: return change_apps();
    case Verb::reload: return reload();
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

int Commands::fail(const CallError& error, std::vector<std::string> details) {
  control::Error message{error.what, exit_of(error.kind), std::move(details)};
  if (error.kind == CallError::Kind::unreachable) {
    for (const std::string& path : listening_daemons()) {
      if (path != client_.socket_path()) {
        message.details.push_back(fmt::format("one listens at {}: gvctl --socket {}", path, path));
      }
    }
  }
  return fail(message);
}

int Commands::fail(const control::Answer& answer) {
  return fail(control::read_error(answer.status, answer.body));
}

control::Client::Result Commands::ask(const control::Client& client, const std::string& path) const {
  for (int tries = 1;; ++tries) {
    auto answer = client.ask({Method::get, path, {}});
    const bool lost = !answer && answer.error().kind == CallError::Kind::lost;
    if (!lost || tries == kMostDaemons) return answer;
  }
}

int Commands::show(const std::string& path, const Show& show) {
  auto answer = ask(path);
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

std::expected<control::StatusReport, int> Commands::fetch_status() {
  auto answer = ask(watching_ ? client_.with_patience(kTakesOver) : client_, "/v1/status");
  if (!answer) return std::unexpected(fail(answer.error()));
  if (answer->status != 200) return std::unexpected(fail(*answer));
  auto report = control::read_status(answer->body);
  if (!report) return std::unexpected(fail(not_understood(report.error())));
  return std::move(*report);
}

std::expected<std::vector<std::string>, int> Commands::apps(const std::vector<Selector>& selectors) {
  std::vector<std::string> known;
  auto many = [](const Selector& selector) { return selector.names_many(); };
  if (std::ranges::any_of(selectors, many)) {
    auto report = fetch_status();
    if (!report) return std::unexpected(report.error());
    for (const control::AppStatus& app : report->apps) known.push_back(app.name);
  }
  auto picked = pick_apps(selectors, known);
  if (!picked) return std::unexpected(fail(control::Error{picked.error().what, ExitCode::no_such_app, {}}));
  return std::move(*picked);
}

std::expected<std::vector<Commands::Target>, int> Commands::targets() {
  std::vector<Target> targets;
  const bool whole = std::ranges::all_of(line_.selectors, &Selector::whole_app);
  if (whole) {
    auto names = apps();
    if (!names) return std::unexpected(names.error());
    for (std::string& name : *names) targets.push_back({std::move(name), {}});
    return targets;
  }
  for (const Selector& selector : line_.selectors) {
    if (selector.names_many()) {
      return std::unexpected(fail(control::Error{
          "patterns and generations cannot be mixed: give them in two commands", ExitCode::usage, {}}));
    }
    targets.push_back({selector.app, selector.instance()});
  }
  return targets;
}

int Commands::version() {
  if (!line_.json) out_.write("gvctl " GV_VERSION "\n");
  return show("/v1/version", [](const std::string& body) -> base::Expected<std::string> {
    auto version = control::read_version(body);
    if (!version) return std::unexpected(version.error());
    return fmt::format("gracevisord {} (pid {})\n", version->version, version->pid);
  });
}

}  // namespace gracevisor::gvctl
