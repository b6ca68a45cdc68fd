// What a reload says: its plan, its steps' lines, its end.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/listed.h"
#include "config/difference.h"
#include "supervise/reload.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

using decide::ReloadStep;

namespace {

// Needs no restart of the daemon.
bool is_adjusted(const config::Difference& key) {
  return key.takes == config::Takes::next_use || key.takes == config::Takes::writer;
}

// Daemon keys are told in two lines: those in force, and those that wait for a restart.
void tell_daemon(const std::vector<config::Difference>& keys, const auto& tell) {
  std::vector<config::Difference> now = keys;
  std::vector<config::Difference> later = keys;
  std::erase_if(now, std::not_fn(is_adjusted));
  std::erase_if(later, is_adjusted);
  if (!now.empty()) {
    tell({.app = "daemon", .phase = "at once", .text = spec::names_of(now), .keys = spec::key_names(now)});
  }
  if (!later.empty()) {
    tell({.app = "daemon",
          .phase = "later",
          .text = spec::names_of(later) + ": needs a restart of the daemon",
          .keys = spec::key_names(later)});
  }
}

}  // namespace

void Supervisor::tell_plan(const ReloadPlan& plan, decide::Report& report, bool dry_run) {
  const auto tell = [&](decide::ReportLine line) {
    if (!dry_run) log_.info(R"(reload app={} what="{}" {})", line.app, line.phase, line.text);
    report.add(now(), std::move(line));
  };
  for (const ReloadStep& step : plan.steps) {
    if (step.action == ReloadStep::Action::none) continue;
    tell({.app = step.app,
          .phase = std::string(word(step.action)),
          .text = explanation(step),
          .keys = spec::key_names(step.differences)});
  }
  for (const std::string& name : plan.forgotten) {
    tell({.app = name, .phase = "remove", .text = "ran before the daemon's start, and no file has it"});
  }
  for (const decide::ReportLine& remark : plan.remarks) tell(remark);
  tell_daemon(plan.daemon, tell);
}

// An app whose heir does not serve goes on with what it has.
void Supervisor::tell_given_up() {
  for (const ReloadStep& step : reloading_->steps.take_given_up()) {
    const std::string text = fmt::format(
        "keeps its routes, as {} does not serve them yet: reload again after it", base::listed(step.heirs));
    log_.warning("reload app={} {}", step.app, text);
    reloading_->report->add(now(), {.app = step.app, .phase = "later", .text = text});
  }
}

// Its lines appear in the reload's report, and its end is the step's.
void Supervisor::relay(decide::Report& receipt, const std::string& app) {
  receipt.follow([this, app](const decide::ReportLine& line) {
    if (!reloading_) return;
    if (line.exit && *line.exit != base::ExitCode::done)
      log_.error("reload app={} failed: {}", app, line.text);
    decide::ReportLine relayed = line;
    relayed.app = app;
    if (relayed.exit) {
      relayed.fields.push_back({"exit_code", static_cast<std::int64_t>(*relayed.exit)});
      relayed.exit.reset();
    }
    reloading_->report->add(now(), std::move(relayed));
    if (!line.exit) return;
    reloading_->finished.emplace_back(app, *line.exit);
    schedule_turn();
  });
}

void Supervisor::end_reload() {
  base::ExitCode exit = reloading_->steps.exit();
  const ReloadPlan& plan = reloading_->plan;
  for (const auto& [id, entry] : apps_) {
    const auto& trouble = entry.app->record_trouble();
    if (!trouble) continue;
    reloading_->report->add(now(),
                            {.app = entry.app->name(),
                             .phase = "record",
                             .text = "could not be written: " + trouble->cause +
                                     "; until it is, a restart of the daemon does not know the change"});
  }
  std::string summary = reloading_->steps.summary();
  if (!plan.forgotten.empty()) {
    summary += fmt::format("{}{} forgotten", summary.empty() ? "" : ", ", plan.forgotten.size());
  }
  if (!plan.listeners.empty()) {
    summary += fmt::format("{}{} listener{} changed", summary.empty() ? "" : ", ", plan.listeners.size(),
                           plan.listeners.size() == 1 ? "" : "s");
  }
  if (std::ranges::any_of(plan.daemon, is_adjusted))
    summary += summary.empty() ? "daemon changed" : ", daemon changed";
  if (const auto waiting = std::ranges::count_if(plan.daemon, std::not_fn(is_adjusted)); waiting > 0) {
    summary += fmt::format("{}{} {} a restart of the daemon", summary.empty() ? "" : ", ", waiting,
                           waiting == 1 ? "needs" : "need");
  }
  if (summary.empty())
    summary = plan.daemon.empty() && plan.remarks.empty() ? "nothing differs" : "nothing was changed";
  log_.info("reloaded exit={} {}", static_cast<int>(exit), summary);
  reloading_->report->finish(now(), exit == base::ExitCode::done ? "done" : "failed", summary, exit);
  reloading_.reset();
  drift_.known = false;
  (void)world_->publish();
}

}  // namespace gracevisor::supervise
