#include "control_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "api_answers.h"
#include "control/answers.h"
#include "status.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {
namespace {

using serve::Response;

constexpr std::size_t kDefaultLines = 100;
constexpr std::size_t kMaxLines = 100'000;

// Empty selects everything.
bool selects(const std::string& wanted, const std::string& instance) {
  if (wanted.empty() || wanted == instance) return true;
  return instance.size() > wanted.size() && instance.starts_with(wanted) && instance[wanted.size()] == '.';
}

// Is there, or was there, output of it? It may have written nothing yet.
bool knows(const supervise::AppSnapshot& app, const supervise::AppOutput& output,
           const decide::Selection& wanted) {
  if (output.keeps(*wanted.generation, wanted.slot)) return true;
  auto generation =
      std::ranges::find(app.generations, *wanted.generation, &supervise::GenerationSnapshot::id);
  if (generation == app.generations.end()) return false;
  return !wanted.slot || (wanted.slot->value() >= 1 && wanted.slot->value() <= generation->instances.size());
}

std::string unknown_text(const supervise::AppSnapshot& app, const supervise::AppOutput& output,
                         const std::string& wanted) {
  std::string kept;
  for (base::GenerationId generation : output.generations()) {
    kept += fmt::format("{}@{}", kept.empty() ? "" : ", ", generation.value());
  }
  return fmt::format("nothing of {}@{} is kept{}{}", app.name, wanted, kept.empty() ? "" : ", only of ",
                     kept);
}

std::size_t line_count(const std::string& text) {
  std::size_t count = kDefaultLines;
  (void)std::from_chars(text.data(), text.data() + text.size(), count);  // unreadable: the default
  return std::min(count, kMaxLines);
}

}  // namespace

ControlApi::ControlApi(loop::Loop& loop, supervise::Supervisor& supervisor)
    : supervisor_(supervisor),
      started_(std::chrono::steady_clock::now()),
      live_(loop, [this](const decide::Report& report) { return supervisor_.progress(report); }) {}

void ControlApi::handle(const control::Request& request, std::shared_ptr<Response> response) {
  const auto asked = control::match_verb(request.method, request.path, request.peer.role);
  if (!asked && asked.error() == control::NotAsked::not_permitted) {
    refuse(*response, control::ExitCode::not_permitted,
           fmt::format("user {} may not ask for {}: root and the daemon's user may", request.peer.uid,
                       request.path));
  } else if (!asked) {
    refuse(*response, control::ExitCode::usage, "no such path: " + request.path);
  } else {
    carry_out({request, asked->verb, asked->app, response});
  }
}

void ControlApi::carry_out(const Call& call) {
  using control::Verb;
  switch (call.verb) {
    case Verb::version:
      return control::send_json(*call.response, to_json(control::Version{GV_VERSION, ::getpid()}));
    case Verb::status:
      return control::send_json(*call.response, to_json(status_of(supervisor_.snapshot(), started_)));
    case Verb::check: return check(call);
    case Verb::settings: return settings(call);
    case Verb::reload: return reload(call);
    case Verb::shutdown: return shut_down(call);
    case Verb::app:
    case Verb::logs:
    case Verb::history:
    case Verb::attach:
    case Verb::wait:
    case Verb::environment:
    case Verb::environment_values: return show(call);
    case Verb::deploy:
    case Verb::start:
    case Verb::stop:
    case Verb::kill:
    case Verb::signal:
    case Verb::scale:
    case Verb::abort: return command(call);
  }
}

void ControlApi::show(const Call& call) {
  using control::Verb;
  const auto commands = supervisor_.commands(call.app);
  if (!commands) {
    const decide::Refused refused = supervisor_.no_such_app(call.app);
    return refuse(*call.response, refused.exit, refused.why);
  }
  if (call.verb == Verb::app) {
    supervise::Snapshot whole = supervisor_.snapshot();
    std::erase_if(whole.apps, [&](const auto& one) { return one.name != call.app; });
    control::send_json(*call.response, to_json(status_of(whole, started_)));
  } else if (call.verb == Verb::logs) {
    logs(call.request, *supervisor_.snapshot(call.app), call.response);
  } else if (call.verb == Verb::history) {
    history(call, *commands);
  } else if (call.verb == Verb::attach || call.verb == Verb::wait) {
    attach(call, *commands);
  } else {
    environment(call);
  }
}

// The refusal, or the report to its end.
void ControlApi::answer(const Call& call, const std::expected<void, decide::Refused>& taken,
                        const std::shared_ptr<decide::Report>& report) {
  if (!taken) return refuse(*call.response, taken.error().exit, taken.error().why, taken.error().details);
  follow(call, report);
}

void ControlApi::follow(const Call& call, const std::shared_ptr<decide::Report>& report) {
  control::begin_lines(*call.response);
  report->follow([response = call.response](const decide::ReportLine& line) {
    if (!response->open()) return;  // its client has gone
    control::send_line(*response, control::to_json(message_of(line)));
    if (line.exit) response->end();
  });
  if (query_value(call.request, "live") == "1") live_.add(report, call.response);
}

void ControlApi::reload(const Call& call) {
  const auto options = understood(control::read_reload_options(call.request.body), *call.response);
  if (!options) return;
  auto report = supervisor_.new_report({options->deploy ? "deploy" : "reload", call.request.peer.uid});
  auto taken = supervisor_.reload({.apps = options->apps,
                                   .dry_run = options->dry_run,
                                   .remove = options->remove,
                                   .deploy = options->deploy},
                                  report);
  answer(call, taken, report);
}

void ControlApi::logs(const control::Request& request, const supervise::AppSnapshot& app,
                      const ResponseRef& response) {
  bool follow = query_value(request, "follow") == "1";
  if (follow && !response->follow()) {
    refuse(*response, control::ExitCode::busy,
           "too many clients of the control socket follow logs already: end one, or ask without -f");
    return;
  }
  std::string wanted = query_value(request, "instance");
  const std::shared_ptr<supervise::AppOutput> shared = supervisor_.output(app.name);
  supervise::AppOutput& output = *shared;
  output.tidy();
  if (!wanted.empty()) {
    auto selection = read_selection(wanted);
    if (!selection) {
      refuse(*response, control::ExitCode::usage, selection.error().what);
      return;
    }
    if (!knows(app, output, *selection)) {
      refuse(*response, control::ExitCode::no_such_app, unknown_text(app, output, wanted));
      return;
    }
  }
  control::begin_lines(*response);
  auto matches = [wanted](const std::string& instance) { return selects(wanted, instance); };
  for (const supervise::OutputLine& line : output.last(matches, line_count(query_value(request, "n")))) {
    control::send_line(*response, control::to_json(message_of(line)));
  }
  if (!follow) {
    response->end();
    return;
  }
  std::uint64_t number =
      output.follow({.line =
                         [response, matches](const supervise::OutputLine& line) {
                           if (!matches(line.instance)) return;
                           control::send_line(*response, control::to_json(message_of(line)));
                         },
                     .end = [response] { response->end(); }});
  response->on_gone([shared, number] { shared->unfollow(number); });
}

void ControlApi::shut_down(const Call& call) {
  auto report = supervisor_.new_report({"shutdown", call.request.peer.uid});
  follow(call, report);
  supervisor_.shut_down(report);
}

}  // namespace gracevisor::daemon
