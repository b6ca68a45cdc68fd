// The control API's commands for one app, and what it answers about them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "api_answers.h"
#include "base/signal_name.h"
#include "control/answers.h"
#include "control_api.h"
#include "status.h"

namespace gracevisor::daemon {
namespace {

using control::ExitCode;
using control::Verb;
using Taken = std::expected<void, decide::Refused>;

Taken not_understood(const base::Error& error) {
  return decide::refused(ExitCode::usage, error.what);
}

std::string_view word(Verb verb) {
  for (const control::VerbRule& rule : control::verb_rules()) {
    if (rule.verb == verb) return rule.path.substr(rule.path.rfind('/') + 1);
  }
  return "";
}

base::Expected<supervise::Supervisor::Scale> read_scale(const control::ScaleOptions& options) {
  using To = supervise::Supervisor::Scale::To;
  const int given = static_cast<int>(options.instances.has_value()) +
                    static_cast<int>(options.more.has_value()) + static_cast<int>(options.file);
  if (given != 1) return base::fail("options: one of instances, more and file has to be there");
  if (options.instances) return supervise::Supervisor::Scale{To::number, *options.instances};
  if (options.more) return supervise::Supervisor::Scale{To::more, *options.more};
  return supervise::Supervisor::Scale{To::files, 0};
}

}  // namespace

void ControlApi::command(const Call& call) {
  auto report = supervisor_.new_report({std::string(word(call.verb)), call.request.peer.uid});
  answer(call, give(call, report), report);
}

Taken ControlApi::give(const Call& call, const std::shared_ptr<decide::Report>& report) {
  const std::string& body = call.request.body;
  const uid_t uid = call.request.peer.uid;
  switch (call.verb) {
    case Verb::deploy: return supervisor_.deploy(call.app, report);
    case Verb::start: {
      const auto options = control::read_start_options(body);
      if (!options) return not_understood(options.error());
      using Freshness = supervise::Supervisor::Freshness;
      return supervisor_.start(call.app, options->same ? Freshness::as_it_was : Freshness::as_files_say,
                               report);
    }
    case Verb::stop: {
      const auto options = control::read_stop_options(body);
      if (!options) return not_understood(options.error());
      return stop(call, options->now ? decide::Haste::signal : decide::Haste::drain, report);
    }
    case Verb::kill: {
      const auto options = control::read_kill_options(body);
      if (!options) return not_understood(options.error());
      if (options->instance.empty()) return stop(call, decide::Haste::kill, report);
      const auto which = read_selection(options->instance);
      if (!which) return not_understood(which.error());
      return supervisor_.kill(call.app, *which, uid, report);
    }
    case Verb::signal: {
      const auto options = control::read_signal_options(body);
      if (!options) return not_understood(options.error());
      const auto which = read_selection(options->instance);
      if (!which) return not_understood(which.error());
      const auto number = base::signal_number(options->signal);
      if (!number) return not_understood(number.error());
      using Scope = config::Stop::Scope;
      return supervisor_.signal(call.app, *which,
                                {*number, options->group ? Scope::group : Scope::main, options->force, uid},
                                report);
    }
    case Verb::scale: {
      const auto options = control::read_scale_options(body);
      if (!options) return not_understood(options.error());
      const auto to = read_scale(*options);
      if (!to) return not_understood(to.error());
      return supervisor_.scale(call.app, *to, report);
    }
    case Verb::abort: return supervisor_.abort(call.app, uid, report);
    case Verb::version:
    case Verb::status:
    case Verb::check:
    case Verb::all_logs:
    case Verb::reload:
    case Verb::upgrade:
    case Verb::shutdown:
    case Verb::app:
    case Verb::logs:
    case Verb::history:
    case Verb::attach:
    case Verb::wait:
    case Verb::environment:
    case Verb::environment_values:
    case Verb::settings: break;
  }
  return not_understood(base::Error{"no such command", 0});
}

Taken ControlApi::stop(const Call& call, decide::Haste haste, const std::shared_ptr<decide::Report>& report) {
  const auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return supervisor_.stop(call.app, spec::Stopped{call.request.peer.uid, at}, haste, report);
}

void ControlApi::history(const Call& call, const supervise::Supervisor::Commands& commands) {
  const auto which = read_selection(query_value(call.request, "generation"));
  if (!which) return refuse(*call.response, ExitCode::usage, which.error().what);
  control::History message{.app = call.app, .commands = {}};
  for (const supervise::PastCommand& past : commands.past->commands()) {
    if (!which->generation || past.generation == *which->generation) {
      message.commands.push_back(message_of(past));
    }
  }
  if (which->generation && message.commands.empty()) {
    return refuse(*call.response, ExitCode::no_such_app,
                  fmt::format("nothing is kept of {}: gvctl history {}", which->text(call.app), call.app));
  }
  control::send_json(*call.response, to_json(message));
}

// The report of what is under way, from its beginning. Who only waits also gets the end of what was last.
void ControlApi::attach(const Call& call, const supervise::Supervisor::Commands& commands) {
  if (commands.under_way != nullptr && !call.response->follow()) {
    return refuse(*call.response, ExitCode::busy,
                  "too many clients of the control socket follow already: end one");
  }
  if (commands.under_way != nullptr) return follow(call, commands.under_way);
  if (call.verb == Verb::attach) {
    return refuse(*call.response, ExitCode::failed,
                  fmt::format("nothing is under way for {}: gvctl history {}", call.app, call.app));
  }
  control::ReportLine line;
  line.phase = "done";
  line.text = "nothing was under way";
  line.exit = 0;
  // An abort is not what was waited for: the deploy that it ended is.
  const auto& past = commands.past->commands();
  const auto last = std::find_if(past.rbegin(), past.rend(), [](const supervise::PastCommand& one) {
    return one.command.verb != word(Verb::abort);
  });
  if (last != past.rend()) line = message_of(last->last());
  control::begin_lines(*call.response);
  control::send_line(*call.response, to_json(line));
  call.response->end();
}

void ControlApi::environment(const Call& call) {
  const auto found = supervisor_.environment(call.app);
  if (!found) return refuse(*call.response, found.error().exit, found.error().why);
  control::Environment message{.instance = found->instance, .variables = {}};
  for (const supervise::Variable& one : found->variables) {
    control::Variable& to = message.variables.emplace_back();
    to.name = one.name;
    to.size = one.value.size();
    to.source = text(one.source);
    if (call.verb == Verb::environment_values || !one.secret()) to.value = one.value;
  }
  control::send_json(*call.response, to_json(message));
}

}  // namespace gracevisor::daemon
