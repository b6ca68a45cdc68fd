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

using decide::Instance;
using decide::InstanceState;

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

std::string detail_of(const Instance& instance, base::TimePoint now) {
  std::string last = instance.last_exit() ? text(*instance.last_exit()) : "";
  switch (instance.state()) {
    case InstanceState::backoff:
      return fmt::format("next in {} s, {} failures: {}", seconds(*instance.due() - now) + 1,
                         instance.failures_in_a_row(), last);
    case InstanceState::fatal: return fmt::format("{} failures: {}", instance.failures_in_a_row(), last);
    case InstanceState::starting:
    case InstanceState::unhealthy: return instance.probe_text();
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

control::InstanceStatus status_of(supervise::Supervisor& supervisor, const Instance& instance) {
  const supervise::World& world = supervisor.world();
  const routing::Identity& who = instance.identity();
  const supervise::Run* run = world.find_run(who);
  control::InstanceStatus status;
  status.name = routing::instance_name(who);
  bool looping = instance.state() == InstanceState::backoff && instance.crash_looping();
  status.state = looping ? "crash-loop" : std::string(text(instance.state()));
  status.restarts = instance.restarts();
  status.detail = detail_of(instance, world.now());
  if (run == nullptr || run->gone() || !run->left().empty()) return status;
  status.pid = run->pid().value();
  status.endpoint = run->place();
  status.uptime_s = seconds(world.now() - instance.spawned_at());
  decide::EndpointCounts counts = world.counts(who);
  status.in_flight = counts.in_flight;
  status.upgraded = counts.tunnels;
  status.rss_bytes = resident_bytes(run->pid());
  if (instance.probe().tries > 0) {
    status.probe_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<base::Millis>(instance.probe().took).count());
  }
  return status;
}

std::string route_text(const config::Route& route) {
  std::string host = route.host.empty() ? "*" : route.host;
  return route.path == "/" ? host : host + route.path;
}

std::string last_deploy_text(const decide::Report& report, base::TimePoint now) {
  const decide::ReportLine& last = report.lines().back();
  if (!report.finished())
    return fmt::format("running since {} s, {}", seconds(now - report.began()), last.phase);
  return fmt::format("{} {} s ago, exit {}: {}", last.phase, seconds(now - report.began() - last.at),
                     static_cast<int>(*last.exit), last.text);
}

// "3.1 ended and left pid 4711 (server); :21004 is not used again before they end".
std::string left_text(const supervise::Run& run) {
  std::string text =
      fmt::format("{} ended and left {}", routing::instance_name(run.identity()), base::text(run.left()));
  if (!run.place().empty()) text += fmt::format("; {} is not used again before they end", run.place());
  return text;
}

}  // namespace

control::AppStatus status_of(supervise::Supervisor& supervisor,
                             const supervise::Supervisor::AppEntry& entry) {
  const decide::App& app = *entry.app;
  const config::App& facing = supervise::Supervisor::facing(entry);
  base::TimePoint now = supervisor.world().now();
  control::AppStatus status;
  status.name = app.name();
  status.state = app.state();
  status.wanted = facing.instances;
  decide::AppCounts counts = supervisor.world().counts(app.id());
  status.requests = counts.requests;
  status.failed = counts.failed;
  status.repaired = counts.repaired;
  for (const std::string& listener : facing.listen) {
    for (const std::string& address : supervisor.listeners().addresses(listener))
      status.listens.push_back(address);
  }
  if (!facing.listen.empty()) {
    for (const config::Route& route : facing.routes) status.routes.push_back(route_text(route));
  }
  if (const decide::Generation* live = app.live()) {
    status.generation = live->id().value();
    status.healthy = live->healthy();
    for (const auto& instance : live->instances()) {
      if (instance->state() != InstanceState::healthy) continue;
      std::uint64_t since = seconds(now - instance->since());
      status.since_s = std::max(status.since_s.value_or(since), since);
    }
  }
  for (const decide::Generation* generation : app.generations()) {
    for (const auto& instance : generation->instances()) {
      status.instances.push_back(status_of(supervisor, *instance));
    }
  }
  if (app.last_deploy()) {
    status.last_deploy = last_deploy_text(*app.last_deploy(), now);
    const decide::ReportLine& last = app.last_deploy()->lines().back();
    if (last.exit && *last.exit != base::ExitCode::done) {
      status.problems.push_back("last deploy " + status.last_deploy);
    }
  }
  if (const auto& stopped = app.stopped()) {
    auto ago = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - stopped->at;
    status.stopped_uid = stopped->uid;
    status.stopped_s = static_cast<std::uint64_t>(std::max<std::int64_t>(ago.count(), 0));
  }
  if (const auto& trouble = app.record_trouble()) {
    status.problems.push_back(fmt::format(
        "state record not written for {} s: {}; tried again; a restart of the daemon does not know the "
        "last change",
        seconds(now - trouble->since), trouble->cause));
  }
  for (const std::string& missing : entry.missing) status.problems.push_back(missing);
  status.problems.insert(status.problems.end(), entry.problems.begin(), entry.problems.end());
  for (const auto& [who, run] : supervisor.world().runs_of(app.id())) {
    if (!run->left().empty()) status.problems.push_back(left_text(*run));
  }
  return status;
}

control::StatusReport status_of(supervise::Supervisor& supervisor, base::TimePoint started) {
  control::StatusReport report;
  report.version = GV_VERSION;
  report.pid = ::getpid();
  report.uptime_s = seconds(supervisor.world().now() - started);
  report.workers = supervisor.workers();
  report.epoch = supervisor.publisher().epoch().value();
  decide::DescriptorBudget budget = supervisor.budget();
  if (budget.limit() != decide::DescriptorBudget::kNoLimit) report.open_files = budget.limit();
  report.open_files_needed = budget.need();
  report.max_connections = budget.clients();
  report.problems = supervisor.remarks();
  for (const auto& [id, entry] : supervisor.apps()) report.apps.push_back(status_of(supervisor, entry));
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
  return message;
}

}  // namespace gracevisor::daemon
