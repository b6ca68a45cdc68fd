#include "status.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/file.h"

namespace gracevisor::daemon {
namespace {

using decide::InstanceState;
using supervise::AppSnapshot;
using supervise::InstanceSnapshot;

constexpr std::size_t kMaxStatm = 4096;

std::uint64_t seconds(base::Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

// The second number of /proc/PID/statm: resident pages; 0 when the process has gone.
std::uint64_t resident_bytes(base::Pid pid) {
  auto statm = base::read_file(fmt::format("/proc/{}/statm", pid.value()), kMaxStatm);
  if (!statm) return 0;
  auto space = statm->find(' ');
  if (space == std::string::npos) return 0;
  std::uint64_t pages = 0;
  const char* begin = statm->data() + space + 1;
  if (std::from_chars(begin, statm->data() + statm->size(), pages).ec != std::errc()) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string detail_of(const InstanceSnapshot& instance, base::TimePoint now) {
  std::string last = instance.last_exit ? text(*instance.last_exit) : "";
  switch (instance.state) {
    case InstanceState::backoff:
      return fmt::format("next in {} s, {} failures: {}", seconds(*instance.due - now) + 1,
                         instance.failures_in_a_row, last);
    case InstanceState::fatal: return fmt::format("{} failures: {}", instance.failures_in_a_row, last);
    case InstanceState::starting:
    case InstanceState::unhealthy: return instance.probe;
    case InstanceState::stopped: return last;
    case InstanceState::spawning:
    case InstanceState::healthy:
    case InstanceState::draining:
    case InstanceState::closing:
    case InstanceState::drained:
    case InstanceState::stopping:
    case InstanceState::killing: return "";
  }
  return "";
}

control::InstanceStatus status_of(const InstanceSnapshot& instance, base::TimePoint now) {
  control::InstanceStatus status;
  status.name = routing::instance_name(instance.who);
  bool looping = instance.state == InstanceState::backoff && instance.crash_looping;
  status.state = looping ? "crash-loop" : std::string(text(instance.state));
  status.restarts = instance.restarts;
  status.detail = detail_of(instance, now);
  if (!instance.process) return status;
  status.pid = instance.process->pid.value();
  status.endpoint = instance.process->place;
  status.uptime_s = seconds(now - instance.process->spawned_at);
  status.in_flight = instance.process->counts.in_flight;
  status.upgraded = instance.process->counts.tunnels;
  status.rss_bytes = resident_bytes(instance.process->pid);
  if (instance.probe_took) {
    status.probe_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<base::Millis>(*instance.probe_took).count());
  }
  return status;
}

std::string route_text(const config::Route& route) {
  std::string host = route.host.empty() ? "*" : route.host;
  return route.path == "/" ? host : host + route.path;
}

std::string last_deploy_text(const supervise::DeploySnapshot& deploy, base::TimePoint now) {
  const decide::ReportLine& last = deploy.last;
  if (!deploy.finished) return fmt::format("running since {} s, {}", seconds(now - deploy.began), last.phase);
  return fmt::format("{} {} s ago, exit {}: {}", last.phase, seconds(now - deploy.began - last.at),
                     static_cast<int>(*last.exit), last.text);
}

// "3.1 ended and left pid 4711 (server); :21004 is not used again before they end".
std::string left_text(const supervise::LeftSnapshot& left) {
  std::string text =
      fmt::format("{} ended and left {}", routing::instance_name(left.who), base::text(left.processes));
  if (!left.place.empty()) text += fmt::format("; {} is not used again before they end", left.place);
  return text;
}

std::vector<std::string> problems_of(const AppSnapshot& app, base::TimePoint now) {
  std::vector<std::string> problems;
  if (app.last_deploy && app.last_deploy->last.exit && *app.last_deploy->last.exit != base::ExitCode::done) {
    problems.push_back("last deploy " + last_deploy_text(*app.last_deploy, now));
  }
  if (app.record_trouble) {
    problems.push_back(fmt::format(
        "state record not written for {} s: {}; tried again; a restart of the daemon does not know the "
        "last change",
        seconds(now - app.record_trouble->since), app.record_trouble->cause));
  }
  problems.insert(problems.end(), app.remarks.begin(), app.remarks.end());
  for (const supervise::LeftSnapshot& left : app.left) problems.push_back(left_text(left));
  return problems;
}

}  // namespace

control::AppStatus status_of(const AppSnapshot& app, base::TimePoint now) {
  control::AppStatus status;
  status.name = app.name;
  status.state = app.state;
  status.wanted = app.wanted;
  status.requests = app.counts.requests;
  status.failed = app.counts.failed;
  status.repaired = app.counts.repaired;
  status.listens = app.addresses;
  for (const config::Route& route : app.routes) status.routes.push_back(route_text(route));
  if (app.live != base::GenerationId()) status.generation = app.live.value();
  status.healthy = app.healthy;
  if (app.healthy_since) status.since_s = seconds(now - *app.healthy_since);
  for (const supervise::GenerationSnapshot& generation : app.generations) {
    for (const InstanceSnapshot& instance : generation.instances) {
      status.instances.push_back(status_of(instance, now));
    }
  }
  if (app.last_deploy) status.last_deploy = last_deploy_text(*app.last_deploy, now);
  if (app.stopped) {
    auto ago = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - app.stopped->at;
    status.stopped_uid = app.stopped->uid;
    status.stopped_s = static_cast<std::uint64_t>(std::max<std::int64_t>(ago.count(), 0));
  }
  status.problems = problems_of(app, now);
  return status;
}

control::StatusReport status_of(const supervise::Snapshot& snapshot, base::TimePoint started) {
  control::StatusReport report;
  report.version = GV_VERSION;
  report.pid = ::getpid();
  report.uptime_s = seconds(snapshot.now - started);
  report.workers = snapshot.workers;
  report.epoch = snapshot.epoch.value();
  const decide::DescriptorBudget& budget = snapshot.budget;
  if (budget.limit() != decide::DescriptorBudget::kNoLimit) report.open_files = budget.limit();
  report.open_files_needed = budget.need();
  report.max_connections = budget.clients();
  report.problems = snapshot.remarks;
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
  message.phase = line.phase;
  message.at_ms = line.at.count();
  message.text = line.text;
  if (line.exit) message.exit = static_cast<int>(*line.exit);
  for (const auto& [name, value] : line.fields) {
    std::visit([&message, &key = name](const auto& v) { message.fields.emplace_back(key, v); }, value);
  }
  return message;
}

}  // namespace gracevisor::daemon
