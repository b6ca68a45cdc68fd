// What the supervisor knows at one moment, as plain values: for status, and for anything else that shows or
// counts it. Times are points of the supervisor's clock. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process_entry.h"
#include "base/strong.h"
#include "config/config.h"
#include "decide/app.h"
#include "decide/descriptor_budget.h"
#include "decide/effects.h"
#include "decide/report.h"
#include "routing/endpoint.h"
#include "spawn/exit_status.h"
#include "spec/state_file.h"

namespace gracevisor::supervise {

struct InstanceSnapshot {
  routing::Identity who;
  decide::InstanceState state{};
  bool crash_looping = false;
  base::TimePoint since;               // of the state
  std::optional<base::TimePoint> due;  // when the next incarnation is to be expected
  unsigned restarts = 0;
  unsigned failures_in_a_row = 0;
  std::optional<spawn::ExitStatus> last_exit;
  std::string probe;                         // why it is not healthy yet: Instance::probe_text()
  std::optional<base::Duration> probe_took;  // unset: no probe has ended

  // Its process, unless it has ended.
  struct Process {
    base::Pid pid;
    base::TimePoint spawned_at;
    std::string place;  // where it is reached; empty without endpoint
    decide::EndpointCounts counts;
  };
  std::optional<Process> process;
};

struct GenerationSnapshot {
  base::GenerationId id;
  std::vector<InstanceSnapshot> instances;
};

// Processes that an instance left at its end, and that stay.
struct LeftSnapshot {
  routing::Identity who;
  std::vector<base::NamedProcess> processes;
  std::string place;  // it is not used again before they end
};

struct DeploySnapshot {
  base::TimePoint began;
  bool finished = false;
  decide::ReportLine last;
};

struct AppSnapshot {
  std::string name;
  std::string state;
  unsigned wanted = 0;  // instances, as its clients' generation has them
  decide::AppCounts counts;
  std::vector<std::string> addresses;  // that it is reached at
  std::vector<config::Route> routes;   // empty for an app that is not routed
  base::GenerationId live;             // 0: none
  std::size_t healthy = 0;             // instances of the live generation
  std::optional<base::TimePoint> healthy_since;
  std::vector<GenerationSnapshot> generations;
  std::optional<DeploySnapshot> last_deploy;
  std::optional<spec::Stopped> stopped;
  std::optional<decide::RecordKeeper::Trouble> record_trouble;
  std::vector<std::string> remarks;  // standing ones, in words
  std::vector<LeftSnapshot> left;
};

struct Snapshot {
  base::TimePoint now;
  std::size_t workers = 0;
  base::Epoch epoch;
  decide::DescriptorBudget budget;
  std::vector<std::string> remarks;  // the shortages of the daemon as a whole
  std::vector<AppSnapshot> apps;
};

}  // namespace gracevisor::supervise
