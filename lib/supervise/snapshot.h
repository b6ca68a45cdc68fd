// What the supervisor knows at one moment, as plain values: for status, and for anything else that shows or
// counts it. Times are points on the supervisor's clock. Thread: values, any thread.
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
#include "observe/rates.h"
#include "observe/usage.h"
#include "routing/endpoint.h"
#include "spawn/exit_status.h"
#include "spec/state_file.h"

namespace gracevisor::supervise {

struct InstanceSnapshot {
  routing::Identity who;
  decide::InstanceState state{};
  bool crash_looping = false;
  base::TimePoint since;               // of the state
  std::optional<base::TimePoint> due;  // when the next incarnation is expected
  unsigned restarts = 0;
  unsigned failures_in_a_row = 0;
  std::optional<spawn::ExitStatus> last_exit;
  std::string probe;                         // why it is not healthy yet: Instance::probe_text()
  std::uint64_t probes_failed = 0;           // in a row
  std::uint64_t probes_allowed = 0;          // that many take it out of the routes
  std::optional<base::Duration> probe_took;  // unset: no probe has ended

  // Its process, unless it has ended.
  struct Process {
    base::Pid pid;
    base::TimePoint spawned_at;
    std::string place;  // where it is reached; empty without an endpoint
    decide::EndpointCounts counts;
    std::optional<observe::Usage> usage;  // unset: not looked at yet
  };
  std::optional<Process> process;
  // If it is not well, the last one that it wrote; otherwise the one that told why it last exited.
  std::string last_line;
};

struct GenerationSnapshot {
  base::GenerationId id;
  std::vector<InstanceSnapshot> instances;
};

// Processes that an instance left behind when it ended, and that stay.
struct LeftSnapshot {
  routing::Identity who;
  std::vector<base::NamedProcess> processes;
  std::string place;  // where the instance was reached: not used again before they end
};

struct DeploySnapshot {
  base::TimePoint began;
  bool finished = false;
  base::GenerationId generation;
  decide::DeployPhase phase{};           // of one that is not finished
  std::optional<base::TimePoint> until;  // when the phase ends at the latest, if that is known
  std::uint64_t draining = 0;            // requests that the old generation has yet to finish
  decide::ReportLine last;
};

// What clients of an app get, on average over the last 10 to 20 s.
using observe::AnswerRates;
// For its rates.
[[nodiscard]] observe::Answers answers_of(const decide::AppCounts& counts);

struct AppSnapshot {
  std::string name;
  std::string state;
  unsigned wanted = 0;                  // instances, as configured in the generation that its clients see
  std::optional<unsigned> scaled_from;  // what the files said when a command gave it another number
  bool should_run = false;
  decide::AppCounts counts;
  AnswerRates rates;
  std::vector<std::string> addresses;  // at which it is reached
  std::vector<config::Route> routes;   // empty for an app that is not routed
  base::GenerationId live;             // 0: none
  base::GenerationId newest;           // that there ever was; 0: none
  std::size_t healthy = 0;             // instances of the live generation
  std::optional<base::TimePoint> healthy_since;
  std::vector<GenerationSnapshot> generations;
  std::optional<DeploySnapshot> last_deploy;
  std::optional<spec::Stopped> stopped;
  std::optional<decide::RecordKeeper::Trouble> record_trouble;
  std::optional<std::string> failure;  // why it does not run as it should: App::failure()
  std::vector<std::string> remarks;    // standing ones, in words
  std::vector<std::string> differs;    // the keys in which the files differ from it
  std::string fault;                   // what keeps them from being put into force; empty: nothing known
  std::vector<LeftSnapshot> left;
};

struct Snapshot {
  base::TimePoint now;
  std::size_t workers = 0;
  base::Epoch epoch;
  decide::DescriptorBudget budget;
  std::string cgroups;                  // the folder of the instances' cgroups; empty: they have none
  std::string no_cgroups;               // why
  std::vector<std::string> remarks;     // of the daemon as a whole: shortages, removed sockets
  std::vector<std::string> app_folder;  // what is wrong with the folder of daemon.autodiscover
  std::string drift;                    // how the files differ from what runs; empty: they do not
  std::vector<AppSnapshot> apps;
};

}  // namespace gracevisor::supervise
