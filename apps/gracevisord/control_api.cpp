#include "control_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "api_answers.h"
#include "control/answers.h"
#include "status.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {
namespace {

using serve::Response;

}  // namespace

ControlApi::ControlApi(loop::Loop& loop, output::Writer& writer, supervise::Supervisor& supervisor,
                       std::shared_ptr<OwnLog> own_log, control::KeeperStatus keeper, Upgrader& upgrader)
    : supervisor_(supervisor),
      writer_(writer),
      started_(std::chrono::steady_clock::now()),
      keeper_(std::move(keeper)),
      upgrader_(upgrader),
      live_(loop,
            [this](const decide::Report& report) {
              std::string text = upgrader_.progress(report);
              return text.empty() ? supervisor_.progress(report) : text;
            }),
      logs_(loop, writer, supervisor, std::move(own_log)) {}

void ControlApi::handle(const control::Request& request, std::shared_ptr<Response> response) {
  const auto asked = control::match_verb(request.method, request.path, request.peer.role);
  if (!asked && asked.error() == control::NotAsked::not_permitted) {
    refuse(*response, control::ExitCode::not_permitted,
           fmt::format("user {} may not ask for {}: root and the daemon's user may", request.peer.uid,
                       request.path));
  } else if (!asked) {
    refuse(*response, control::ExitCode::usage, "no such path: " + request.path);
  } else if (upgrader_.frozen() && !control::answered_while_frozen(asked->verb)) {
    refuse(*response, control::ExitCode::busy,
           "an upgrade is under way: this daemon changes nothing any more; ask again in a moment");
  } else {
    carry_out({request, asked->verb, asked->app, response});
  }
}

void ControlApi::carry_out(const Call& call) {
  using control::Verb;
  switch (call.verb) {
    case Verb::version:
      return control::send_json(
          *call.response, to_json(control::Version{GV_VERSION, ::getpid(), upgrader_.took_over_from()}));
    case Verb::status: return control::send_json(*call.response, to_json(status(supervisor_.snapshot())));
    case Verb::check: return check(call);
    case Verb::settings: return settings(call);
    case Verb::all_logs: return logs_.answer(call.request, {}, call.response);
    case Verb::reload: return reload(call);
    case Verb::upgrade: return upgrade(call);
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
    control::send_json(*call.response, to_json(status(whole)));
  } else if (call.verb == Verb::logs) {
    logs_.answer(call.request, call.app, call.response);
  } else if (call.verb == Verb::history) {
    history(call, *commands);
  } else if (call.verb == Verb::attach || call.verb == Verb::wait) {
    attach(call, *commands);
  } else {
    environment(call);
  }
}

control::StatusReport ControlApi::status(const supervise::Snapshot& snapshot) const {
  return status_of(snapshot, started_, keeper_, upgrader_.predecessor(), writer_.degraded());
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

void ControlApi::upgrade(const Call& call) {
  const auto options = understood(control::read_upgrade_options(call.request.body), *call.response);
  if (!options) return;
  auto report = supervisor_.new_report({"upgrade", call.request.peer.uid});
  auto taken = upgrader_.upgrade({.to = options->to,
                                  .wait = options->wait,
                                  .timeout = base::Millis(options->timeout_ms),
                                  .now = options->now,
                                  .uid = call.request.peer.uid},
                                 report);
  if (taken) upgrading_ = call.response;
  answer(call, taken, report);
}

void ControlApi::shut_down(const Call& call) {
  auto report = supervisor_.new_report({"shutdown", call.request.peer.uid});
  follow(call, report);
  supervisor_.shut_down(report);
}

}  // namespace gracevisor::daemon
