#include "status.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "config/values.h"

namespace gracevisor::daemon {
namespace {

using decide::InstanceState;
using supervise::AppSnapshot;
using supervise::InstanceSnapshot;

std::uint64_t seconds(base::Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

// Until then, from now; 0 if that is over.
std::uint64_t seconds_until(base::TimePoint then, base::TimePoint now) {
  return then > now ? static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(then - now).count())
                    : 0;
}

control::InstanceStatus status_of(const InstanceSnapshot& instance, base::TimePoint now) {
  control::InstanceStatus status;
  status.name = routing::instance_name(instance.who);
  bool looping = instance.state == InstanceState::backoff && instance.crash_looping;
  status.state = looping ? "crash-loop" : std::string(text(instance.state));
  status.restarts = instance.restarts;
  status.failures = instance.failures_in_a_row;
  const bool waits = instance.state == InstanceState::backoff || instance.state == InstanceState::fatal;
  if (waits && instance.due) {
    status.due_s = seconds_until(*instance.due, now);
  }
  if (instance.last_exit) status.last_exit = text(*instance.last_exit);
  status.last_line = instance.last_line;
  const bool judged = instance.state == InstanceState::queued || instance.state == InstanceState::starting ||
                      instance.state == InstanceState::unhealthy;
  if (judged || instance.probes_failed > 0) status.probe = instance.probe;
  if (!instance.process) return status;
  status.pid = instance.process->pid.value();
  status.endpoint = instance.process->place;
  status.uptime_s = seconds(now - instance.process->spawned_at);
  status.in_flight = instance.process->counts.in_flight;
  status.upgraded = instance.process->counts.tunnels;
  if (const auto& usage = instance.process->usage) {
    status.cpu_percent = usage->cpu_percent;
    status.memory_bytes = usage->memory;
    status.processes = usage->processes;
  }
  status.probes_failed = instance.probes_failed;
  status.probes_allowed = instance.probes_allowed;
  if (instance.probe_took) {
    status.probe_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<base::Millis>(*instance.probe_took).count());
  }
  return status;
}

// "example.com/api", or "*/api" on every host.
std::string shown(config::Route route) {
  if (route.host.empty()) route.host = "*";
  return config::route_text(route);
}

control::DeployStatus status_of(const supervise::DeploySnapshot& deploy, base::TimePoint now) {
  control::DeployStatus status;
  status.generation = deploy.generation.value();
  status.running = !deploy.finished;
  status.since_s = seconds(now - deploy.began);
  status.text = deploy.last.text;
  if (status.running) {
    status.phase = text(deploy.phase);
    if (deploy.until) status.left_s = seconds_until(*deploy.until, now);
    status.draining = deploy.draining;
  } else {
    status.ended_s = seconds(now - deploy.began - deploy.last.at);
    status.exit = static_cast<int>(*deploy.last.exit);
  }
  return status;
}

// "3.1 ended and left pid 4711 (server); :21004 is not used again before they end".
std::string left_text(const supervise::LeftSnapshot& left) {
  std::string text =
      fmt::format("{} ended and left {}", routing::instance_name(left.who), base::text(left.processes));
  if (!left.place.empty()) text += fmt::format("; {} is not used again before they end", left.place);
  return text;
}

std::string failed_deploy_text(const std::string& app, const control::DeployStatus& deploy) {
  return fmt::format("the deploy of @{} failed {} s ago, exit {}: {}: gvctl history {}@{}", deploy.generation,
                     *deploy.ended_s, *deploy.exit, deploy.text, app, deploy.generation);
}

std::vector<control::Problem> problems_of(const AppSnapshot& app, const control::AppStatus& status,
                                          base::TimePoint now) {
  std::vector<control::Problem> problems;
  if (app.failure) problems.push_back({"unwell", *app.failure});
  if (status.deploy && status.deploy->exit.value_or(0) != 0) {
    problems.push_back({"deploy-failed", failed_deploy_text(app.name, *status.deploy)});
  }
  if (app.record_trouble) {
    problems.push_back(
        {"record", fmt::format("state record not written for {} s: {}; tried again; a restart of the daemon "
                               "does not know the last change",
                               seconds(now - app.record_trouble->since), app.record_trouble->cause)});
  }
  for (const std::string& remark : app.remarks) problems.push_back({"remark", remark});
  if (!app.fault.empty()) problems.push_back({"drift", app.fault});
  for (const supervise::LeftSnapshot& left : app.left) problems.push_back({"left-behind", left_text(left)});
  return problems;
}

// The sums over its instances, as far as they are known.
void add_usage(control::AppStatus& status) {
  for (const control::InstanceStatus& instance : status.instances) {
    if (instance.cpu_percent) status.cpu_percent = status.cpu_percent.value_or(0) + *instance.cpu_percent;
    if (instance.memory_bytes) status.memory_bytes = status.memory_bytes.value_or(0) + *instance.memory_bytes;
  }
}

}  // namespace

control::AppStatus status_of(const AppSnapshot& app, base::TimePoint now) {
  control::AppStatus status;
  status.name = app.name;
  status.state = app.state;
  status.should_run = app.should_run;
  status.wanted = app.wanted;
  status.requests = app.counts.requests;
  status.failed = app.counts.failed;
  status.repaired = app.counts.repaired;
  if (app.scaled_from) status.scaled_from = *app.scaled_from;
  status.requests_per_s = app.rates.all;
  status.errors_per_s = app.rates.errors;
  status.listens = app.addresses;
  for (const config::Route& route : app.routes) status.routes.push_back(shown(route));
  if (app.live != base::GenerationId()) status.generation = app.live.value();
  status.healthy = app.healthy;
  if (app.healthy_since) status.since_s = seconds(now - *app.healthy_since);
  for (const supervise::GenerationSnapshot& generation : app.generations) {
    for (const InstanceSnapshot& instance : generation.instances) {
      status.instances.push_back(status_of(instance, now));
    }
  }
  add_usage(status);
  status.differs = app.differs;
  if (app.last_deploy) status.deploy = status_of(*app.last_deploy, now);
  if (app.stopped) {
    auto ago = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - app.stopped->at;
    status.stopped_uid = app.stopped->uid;
    status.stopped_s = static_cast<std::uint64_t>(std::max<std::int64_t>(ago.count(), 0));
  }
  status.problems = problems_of(app, status, now);
  return status;
}

control::StatusReport status_of(const supervise::Snapshot& snapshot, base::TimePoint started,
                                const control::KeeperStatus& keeper,
                                const std::optional<control::PredecessorStatus>& predecessor,
                                const std::map<std::string, std::string>& degraded_logs) {
  control::StatusReport report;
  report.version = GV_VERSION;
  report.keeper = keeper;
  report.predecessor = predecessor;
  report.pid = ::getpid();
  report.uptime_s = seconds(snapshot.now - started);
  report.workers = snapshot.workers;
  report.epoch = snapshot.epoch.value();
  const decide::DescriptorBudget& budget = snapshot.budget;
  if (budget.limit() != decide::DescriptorBudget::kNoLimit) report.open_files = budget.limit();
  report.open_files_needed = budget.need();
  report.max_connections = budget.clients();
  report.cgroups = snapshot.cgroups;
  report.no_cgroups = snapshot.no_cgroups;
  for (const std::string& remark : snapshot.remarks) report.problems.push_back({"remark", remark});
  for (const std::string& what : snapshot.app_folder) report.problems.push_back({"autodiscover", what});
  if (!snapshot.drift.empty()) report.problems.push_back({"drift", snapshot.drift});
  for (const auto& [path, cause] : degraded_logs)
    report.problems.push_back({"log", fmt::format("log {}: {}", path, cause)});
  for (const AppSnapshot& app : snapshot.apps) report.apps.push_back(status_of(app, snapshot.now));
  return report;
}

control::LogLine message_of(const supervise::OutputLine& line) {
  auto millis = std::chrono::duration_cast<base::Millis>(line.time.time_since_epoch()).count() % 1000;
  std::time_t time = std::chrono::system_clock::to_time_t(line.time);
  return {line.instance, line.stream == process::OutputStream::out ? "out" : "err",
          fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(time), millis), line.text,
          line.partial && line.text.size() == supervise::OutputTail::kMaxLine};
}

control::ReportLine message_of(const decide::ReportLine& line) {
  control::ReportLine message;
  message.app = line.app;
  message.phase = line.phase;
  message.at_ms = line.at.count();
  message.text = line.text;
  message.keys = line.keys;
  for (const auto& [instance, pid, endpoint] : line.started) {
    message.started.push_back({instance, pid, endpoint});
  }
  for (const auto& [instance, last_exit, code, signal] : line.stopped) {
    message.stopped.push_back({instance, last_exit, code, signal});
  }
  if (line.exit) message.exit = static_cast<int>(*line.exit);
  for (const auto& [name, value] : line.fields) {
    std::visit([&message, &key = name](const auto& v) { message.fields.emplace_back(key, v); }, value);
  }
  return message;
}

control::PastCommand message_of(const supervise::PastCommand& command) {
  control::PastCommand message;
  message.verb = command.command.verb;
  message.uid = command.command.uid;
  // Not by way of system_clock, whose nanoseconds end in 2262.
  message.at =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(std::time_t{command.at.time_since_epoch().count()}));
  message.generation = command.generation.value();
  message.exit = static_cast<int>(*command.last().exit);
  message.text = command.last().text;
  for (const decide::ReportLine& line : command.lines) message.lines.push_back(message_of(line));
  return message;
}

}  // namespace gracevisor::daemon
