// What gvctl status shows, as messages of the control API (messages.h). Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/fields.h"

namespace gracevisor::control {

struct Version {
  std::string version;
  int pid = 0;
  int took_over_from = 0;  // the pid of the daemon that was upgraded to this one; 0: none was
  friend bool operator==(const Version&, const Version&) = default;
};
void fields(auto& archive, IsA<Version> auto& message) {
  auto& [version, pid, took_over_from] = message;
  archive.object("version");
  archive("version", version);
  archive("pid", pid);
  archive.sparse("took_over_from", took_over_from);
}

struct InstanceStatus {
  std::string name;                       // "42.1"
  std::string state;                      // "healthy", "backoff", …
  int pid = 0;                            // 0: no process
  std::string endpoint;                   // ":21004"; empty: none
  std::optional<std::uint64_t> uptime_s;  // unset: no process
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;  // of those: WebSockets, TCP connections
  std::uint64_t restarts = 0;
  // Of its whole process tree; unset: not looked at yet.
  std::optional<double> cpu_percent;          // of one CPU, over 10 s
  std::optional<std::uint64_t> memory_bytes;  // shared pages in proportion (PSS), where they may be read
  std::optional<std::uint64_t> processes;
  std::optional<std::uint64_t> probe_ms;
  std::uint64_t probes_failed = 0;     // in a row
  std::uint64_t probes_allowed = 0;    // that many take it out of the routes
  std::uint64_t failures = 0;          // exits in a row without having been healthy for long
  std::optional<std::uint64_t> due_s;  // when the next process is started
  std::string last_exit;               // "exit 1"; empty: none has ended
  std::string last_line;               // that it wrote, if it is not well; else before it last exited
  std::string probe;                   // why it is not healthy, as far as the probes show
  friend bool operator==(const InstanceStatus&, const InstanceStatus&) = default;
};
void fields(auto& archive, IsA<InstanceStatus> auto& message) {
  auto& [name, state, pid, endpoint, uptime_s, in_flight, upgraded, restarts, cpu_percent, memory_bytes,
         processes, probe_ms, probes_failed, probes_allowed, failures, due_s, last_exit, last_line, probe] =
      message;
  archive.object("instance");
  archive("name", name);
  archive("state", state);
  archive("pid", pid);
  archive("endpoint", endpoint);
  archive("uptime_s", uptime_s);
  archive("in_flight", in_flight);
  archive("upgraded", upgraded);
  archive("restarts", restarts);
  archive("cpu_percent", cpu_percent);
  archive("memory_bytes", memory_bytes);
  archive("processes", processes);
  archive("probe_ms", probe_ms);
  archive("probes_failed", probes_failed);
  archive("probes_allowed", probes_allowed);
  archive("failures", failures);
  archive("due_s", due_s);
  archive("last_exit", last_exit);
  archive("last_line", last_line);
  archive("probe", probe);
}

struct DeployStatus {
  std::uint64_t generation = 0;
  bool running = false;
  std::string phase;                     // of one that runs: "checking", "guarding", …
  std::uint64_t since_s = 0;             // how long ago it began
  std::optional<std::uint64_t> left_s;   // until the phase ends at the latest
  std::uint64_t draining = 0;            // requests that the old generation has yet to finish
  std::optional<std::uint64_t> ended_s;  // how long ago
  std::optional<int> exit;               // of one that has ended
  std::string text;                      // its last line
  friend bool operator==(const DeployStatus&, const DeployStatus&) = default;
};
void fields(auto& archive, IsA<DeployStatus> auto& message) {
  auto& [generation, running, phase, since_s, left_s, draining, ended_s, exit, text] = message;
  archive.object("deploy");
  archive("generation", generation);
  archive("running", running);
  archive("phase", phase);
  archive("since_s", since_s);
  archive("left_s", left_s);
  archive("draining", draining);
  archive("ended_s", ended_s);
  archive("exit", exit);
  archive("text", text);
}

// What is wrong, or should be known.
struct Problem {
  std::string kind;  // "deploy-failed", "drift", "record", "left-behind", "log", "unwell", "remark"
  std::string text;  // what, and what helps
  friend bool operator==(const Problem&, const Problem&) = default;
};
void fields(auto& archive, IsA<Problem> auto& message) {
  auto& [kind, text] = message;
  archive.object("problem");
  archive("kind", kind);
  archive("text", text);
}

struct AppStatus {
  std::string name;
  std::string state;  // "live", "starting", "stopped", "backoff", "crash-loop", "fatal", "stopping", …
  bool should_run = false;
  std::uint64_t generation = 0;  // 0: none
  std::uint64_t healthy = 0;
  std::uint64_t wanted = 0;
  std::optional<std::uint64_t> scaled_from;  // instances as the files say, if a command said otherwise
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t repaired = 0;         // responses that gave their length twice
  double requests_per_s = 0;          // over the last 10 to 20 s
  double errors_per_s = 0;            // of these: answers of 5xx, and responses that were cut
  std::optional<double> cpu_percent;  // the sums over the instances
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> since_s;  // how long ago the generation went live
  std::vector<std::string> listens;      // addresses or names of listeners
  std::vector<std::string> routes;       // "example.com/api"
  std::vector<InstanceStatus> instances;
  std::optional<DeployStatus> deploy;  // the newest one
  std::vector<Problem> problems;
  std::optional<std::uint64_t> stopped_uid;  // the user who stopped it; unset unless a command stopped it
  std::optional<std::uint64_t> stopped_s;    // how long ago
  std::vector<std::string> differs;          // the keys in which the files differ from what runs
  friend bool operator==(const AppStatus&, const AppStatus&) = default;
};
void fields(auto& archive, IsA<AppStatus> auto& message) {
  auto& [name, state, should_run, generation, healthy, wanted, scaled_from, requests, failed, repaired,
         requests_per_s, errors_per_s, cpu_percent, memory_bytes, since_s, listens, routes, instances, deploy,
         problems, stopped_uid, stopped_s, differs] = message;
  archive.object("app");
  archive("name", name);
  archive("state", state);
  archive("should_run", should_run);
  archive("generation", generation);
  archive("healthy", healthy);
  archive("wanted", wanted);
  archive("scaled_from", scaled_from);
  archive("requests", requests);
  archive("failed", failed);
  archive("repaired", repaired);
  archive("requests_per_s", requests_per_s);
  archive("errors_per_s", errors_per_s);
  archive("cpu_percent", cpu_percent);
  archive("memory_bytes", memory_bytes);
  archive("since_s", since_s);
  archive("listens", listens);
  archive("routes", routes);
  archive("instances", instances);
  archive("deploy", deploy);
  archive("problems", problems);
  archive("stopped_uid", stopped_uid);
  archive("stopped_s", stopped_s);
  archive("differs", differs);
}

// The process above the daemon, which outlives it.
struct KeeperStatus {
  int pid = 0;
  std::string version;
  std::uint64_t starts = 0;  // of daemons, this one included
  std::string last_end;      // how the former daemon ended: "signal 9 (KILL)"; empty: there was none
  friend bool operator==(const KeeperStatus&, const KeeperStatus&) = default;
};
void fields(auto& archive, IsA<KeeperStatus> auto& message) {
  auto& [pid, version, starts, last_end] = message;
  archive.object("keeper");
  archive("pid", pid);
  archive("version", version);
  archive("starts", starts);
  archive("last_end", last_end);
}

// The daemon that was upgraded to this one, while it still serves clients that it had.
struct PredecessorStatus {
  int pid = 0;
  std::string version;
  std::uint64_t since_s = 0;      // how long ago this one took over
  std::uint64_t connections = 0;  // of clients
  std::uint64_t tunnels = 0;      // of those: WebSockets, TCP connections
  friend bool operator==(const PredecessorStatus&, const PredecessorStatus&) = default;
};
void fields(auto& archive, IsA<PredecessorStatus> auto& message) {
  auto& [pid, version, since_s, connections, tunnels] = message;
  archive.object("predecessor");
  archive("pid", pid);
  archive("version", version);
  archive("since_s", since_s);
  archive("connections", connections);
  archive("tunnels", tunnels);
}

// One shape, whichever apps are asked for.
struct StatusReport {
  std::string version;
  int pid = 0;
  std::uint64_t uptime_s = 0;
  std::uint64_t workers = 0;
  std::uint64_t epoch = 0;
  std::vector<AppStatus> apps;
  std::uint64_t open_files = 0;  // the limit (RLIMIT_NOFILE); 0: no limit
  std::uint64_t open_files_needed = 0;
  std::uint64_t max_connections = 0;  // client connections that this leaves room for
  std::vector<Problem> problems;      // of the daemon as a whole
  KeeperStatus keeper;
  std::optional<PredecessorStatus> predecessor;
  std::string cgroups;     // the folder of the instances' cgroups; empty: they have none
  std::string no_cgroups;  // why
  friend bool operator==(const StatusReport&, const StatusReport&) = default;
};
void fields(auto& archive, IsA<StatusReport> auto& message) {
  auto& [version, pid, uptime_s, workers, epoch, apps, open_files, open_files_needed, max_connections,
         problems, keeper, predecessor, cgroups, no_cgroups] = message;
  archive.object("status");
  archive("version", version);
  archive("pid", pid);
  archive("uptime_s", uptime_s);
  archive("workers", workers);
  archive("epoch", epoch);
  archive("apps", apps);
  archive("open_files", open_files);
  archive("open_files_needed", open_files_needed);
  archive("max_connections", max_connections);
  archive("problems", problems);
  archive("keeper", keeper);
  archive("predecessor", predecessor);
  archive.sparse("cgroups", cgroups);
  archive.sparse("no_cgroups", no_cgroups);
}

}  // namespace gracevisor::control
