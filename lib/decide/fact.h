// What has happened, as values. Deciders tell facts; fact_log.h turns them into log lines, fact_receipt.h
// into lines of receipts. Any other code that counts or shows events reads the same facts. Thread: values,
// any thread.
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
#include "decide/ownership.h"
#include "decide/whereabouts.h"
#include "routing/endpoint.h"
#include "spawn/exit_status.h"
#include "spec/deploy_state.h"

namespace gracevisor::decide::fact {

using base::GenerationId;
using routing::Identity;

// Facts of a deploy, in the order in which they happen. `was`, `old`: the generation that was live; unset:
// none.
struct DeployBegan {
  GenerationId generation;
  std::optional<GenerationId> was;
  unsigned instances = 0;
  std::string directory;
};
// It was begun by a former daemon, and goes on from this step.
struct DeployResumed {
  GenerationId generation;
  std::optional<GenerationId> was;
  spec::DeployStep step{};
  base::Duration guard{};  // guarding: for how long
};
// All instances of the candidate have been started; or (`moved`) some have moved since that was told.
struct Placed {
  std::vector<std::pair<Identity, Whereabouts>> places;
  bool moved = false;
};
struct AllHealthy {
  std::size_t healthy = 0;
  std::size_t instances = 0;
  std::string probe;      // of the last instance; empty without endpoint
  base::Duration took{};  // by that probe; without endpoint: how long the last instance has been alive
  bool weak = false;      // no check is configured
};
struct CutOver {
  GenerationId generation;
  std::optional<GenerationId> old;
  EndpointCounts of_old;
  base::Epoch epoch;
  bool routed = true;  // false: a worker, which gets no requests
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
// An instance of the new generation fails within the guard, and no old instance can serve instead.
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
  std::vector<std::pair<Identity, spawn::ExitStatus>> exits;
  std::optional<base::Duration> killed_after = {};  // set if it did not end when it was asked to
};
struct CutBack {
  GenerationId old;
};
// Why a deploy or a start fails: the instance that is to blame (Culprit), or another reason (Cause).
struct Culprit {
  Identity who;
  std::optional<spawn::ExitStatus> exit;
  InstanceState state{};
  base::Duration lived{};
  std::string words = {};  // of its last lines the one that tells why; empty: it wrote nothing
};
// One of the last lines that it wrote.
struct SaidLast {
  Identity who;
  std::string line;
};
// It said that an address is in use, which may be one of these ports. The holder is unknown to the decider:
// Effects::tell() fills it in; empty: no one holds any of them.
struct PortBusy {
  Identity who;
  std::vector<base::Port> ports;
  std::string holder = {};  // "port 8000 is held by pid 77 (python3)"
};
struct Cause {
  std::string text;
};
struct ProbeFailed {
  Identity who;
  std::string text;
  // Who listens at its address: the decider tells it as unknown, and Effects::tell() fills it in. Unset: the
  // instance has exited.
  std::optional<ListenerOwner> owner = {};
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
  Traffic traffic;  // set for exit done
  // Otherwise: who or what interrupted it, if it did not fail by itself; in which phase, and how long after
  // it began; the generation that is back; the cause.
  std::string interrupted;
  DeployPhase phase{};
  base::Duration after{};
  std::optional<GenerationId> back_to;
  std::string cause;
  bool executed = true;            // false: the culprit's program could not be started
  std::optional<Serving> serving;  // what still serves, if it failed or was aborted before the cutover
  bool routed = true;              // false: a worker, which gets no requests
  std::string told = {};           // all of that in a former daemon's words; empty: it is of this one
};

// A start by a command, or at boot.
struct Started {
  GenerationId generation;
};
// It is not healthy in time, or an instance exited before that. `again`: it is started again after a pause.
struct StartFailed {
  GenerationId generation;
  base::ExitCode exit = base::ExitCode::failed;
  base::Duration after{};
  std::string cause;
  bool executed = true;
  bool again = false;
  bool late = false;  // it is ended because it is not healthy in time
  std::size_t healthy = 0;
  std::size_t instances = 0;
};

// Facts of one instance. `words`: as in Culprit.
struct Exited {
  Identity who;
  spawn::ExitStatus status;
  bool unasked = false;  // by itself: nobody had told it to stop
  std::string words = {};
};
// It has exited again and again: told once, until it is stable.
struct CrashLooping {
  Identity who;
  unsigned failures = 0;
  spawn::ExitStatus status;
  std::string words = {};
};
struct GaveUp {
  Identity who;
  unsigned failures = 0;
  spawn::ExitStatus status;
  std::string words = {};
  base::Duration retry{};  // 0: never
};
// It is not healthy in time, and is ended. `probe`: why not, as far as the probes show.
struct StartTimedOut {
  Identity who;
  base::Duration time{};
  std::string probe;
};
struct PortTaken {
  Identity who;
  std::string cause;
};
struct Replaced {
  Identity who;
  std::string cause;
};
// An operator sent a signal to instances: "43.1, 43.2".
struct Signalled {
  std::string instances;
  int signal = 0;
  std::uint64_t uid = 0;
};
struct StopTimedOut {
  Identity who;
};
struct Unkillable {
  Identity who;
  std::string place;
};

// Facts of the state record.
struct RecordFailed {
  std::string cause;
};
struct RecordWritten {};  // after it had failed

}  // namespace gracevisor::decide::fact

namespace gracevisor::decide {

struct Fact {
  using What =
      std::variant<fact::DeployBegan, fact::DeployResumed, fact::Placed, fact::AllHealthy, fact::CutOver,
                   fact::AdoptionLate, fact::Drained, fact::GuardHelpless, fact::GuardPassed,
                   fact::Unconfirmed, fact::OldEnded, fact::CutBack, fact::Culprit, fact::SaidLast,
                   fact::PortBusy, fact::Cause, fact::ProbeFailed, fact::Changed, fact::DeployEnded,
                   fact::Started, fact::StartFailed, fact::Exited, fact::CrashLooping, fact::GaveUp,
                   fact::StartTimedOut, fact::PortTaken, fact::Replaced, fact::Signalled, fact::StopTimedOut,
                   fact::Unkillable, fact::RecordFailed, fact::RecordWritten>;
  base::TimePoint at;
  std::string app;
  What what;
};

}  // namespace gracevisor::decide
