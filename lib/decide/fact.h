// What has happened, as values. Deciders tell facts; fact_log.h makes log lines of them, fact_receipt.h lines
// of receipts. Anything else that counts or shows events reads the same facts. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/strong.h"
#include "config/key.h"
#include "decide/counts.h"
#include "decide/deploy_phase.h"
#include "decide/instance_state.h"
#include "routing/endpoint.h"
#include "spawn/exit_status.h"

namespace gracevisor::decide::fact {

using base::GenerationId;
using routing::Identity;

// Of a deploy, in the order in which they happen. `was`, `old`: the generation that was live; unset: none.
struct DeployBegan {
  GenerationId generation;
  std::optional<GenerationId> was;
  unsigned instances = 0;
  std::string directory;
};
// All instances of the candidate are started, or have moved since that was told.
struct Placed {
  std::vector<std::pair<Identity, std::string>> places;  // "pid 4711 :21004"
  bool moved = false;
};
struct AllHealthy {
  std::size_t healthy = 0;
  std::size_t instances = 0;
  std::string probe;      // of the last one; empty without endpoint
  base::Duration took{};  // that probe; without endpoint: how long the last one has been alive
  bool weak = false;      // no check is configured
};
struct CutOver {
  GenerationId generation;
  std::optional<GenerationId> old;
  EndpointCounts of_old;
  base::Epoch epoch;
};
struct AdoptionLate {
  std::size_t worker = 0;
};
struct Drained {
  GenerationId old;
  base::Duration took{};
  std::uint64_t finished = 0;
  std::uint64_t cut = 0;
};
// An instance of the new generation fails within the guard, and there is none to go back to.
struct GuardHelpless {};
struct GuardPassed {
  std::uint64_t requests = 0;
};
// The guard is over, but the record cannot be written.
struct Unconfirmed {
  std::string cause;
  GenerationId kept;
};
struct OldEnded {
  GenerationId old;
  std::vector<spawn::ExitStatus> exits;
};
struct CutBack {
  GenerationId old;
};
// Why a deploy fails: the instance that is to blame, or something else.
struct Culprit {
  Identity who;
  std::optional<spawn::ExitStatus> exit;
  InstanceState state{};
  base::Duration lived{};
};
struct Cause {
  std::string text;
};
struct ProbeFailed {
  Identity who;
  std::string text;
};
struct Changed {
  GenerationId old;
  std::vector<config::Difference> keys;
};

struct Traffic {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t retried = 0;
  base::Duration slowest{};
  base::Duration slowest_body{};
  std::string touched;  // addresses that the deploy changed; empty: none
  std::uint64_t own_answers = 0;
};
struct Serving {
  GenerationId generation;
  std::size_t healthy = 0;
  std::size_t instances = 0;
};
struct DeployEnded {
  GenerationId generation;
  base::ExitCode exit = base::ExitCode::done;
  Traffic traffic;  // exit done
  // Otherwise: who or what ended it, if it did not fail by itself; where; which generation is back; why.
  std::string interrupted;
  DeployPhase phase{};
  base::Duration after{};
  std::optional<GenerationId> back_to;
  std::string cause;
  std::optional<Serving> serving;  // what serves now, if nothing came back because nothing had left
};

// A start by a command, or at boot.
struct Started {
  GenerationId generation;
};

// Of one instance.
struct Exited {
  Identity who;
  spawn::ExitStatus status;
};
struct GaveUp {
  Identity who;
  unsigned failures = 0;
  spawn::ExitStatus status;
};
struct PortTaken {
  Identity who;
  std::string cause;
};
struct Replaced {
  Identity who;
  std::string cause;
};
struct StopTimedOut {
  Identity who;
};
struct Unkillable {
  Identity who;
  std::string place;
};

// Of the state record.
struct RecordFailed {
  std::string cause;
};
struct RecordWritten {};  // after it had failed

}  // namespace gracevisor::decide::fact

namespace gracevisor::decide {

struct Fact {
  using What = std::variant<fact::DeployBegan, fact::Placed, fact::AllHealthy, fact::CutOver,
                            fact::AdoptionLate, fact::Drained, fact::GuardHelpless, fact::GuardPassed,
                            fact::Unconfirmed, fact::OldEnded, fact::CutBack, fact::Culprit, fact::Cause,
                            fact::ProbeFailed, fact::Changed, fact::DeployEnded, fact::Started, fact::Exited,
                            fact::GaveUp, fact::PortTaken, fact::Replaced, fact::StopTimedOut,
                            fact::Unkillable, fact::RecordFailed, fact::RecordWritten>;
  base::TimePoint at;
  std::string app;
  What what;
};

}  // namespace gracevisor::decide
