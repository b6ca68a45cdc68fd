// Health checks as they cross threads: what a worker is to probe, and the result. The worker runs the probe;
// the supervisor judges. Reports are state, not events: overwriting one before it was read loses nothing,
// because reports are cumulative.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "config/config.h"
#include "handoff/latest.h"
#include "routing/endpoint.h"

namespace gracevisor::routing {

enum class ProbeOutcome {
  passed,
  wrong_status,  // an answer, but not one that counts; see `status`
  refused,       // nothing listens there
  timed_out,
  broken,     // the connection ended before the answer was complete
  malformed,  // not HTTP/1.x
  unable,     // not started: we lacked a descriptor, memory or a local port; says nothing about the instance
};

// What the latest answer said if it was none that counts, for reports: bytes as the app sent them, cut to
// kProbeEvidence each.
struct ProbeEvidence {
  std::string host;      // the Host that the probe sent
  std::string location;  // of a redirect
  std::string body;      // its beginning; for what is no HTTP, the beginning of what came
  bool operator==(const ProbeEvidence&) const = default;
};
inline constexpr std::size_t kProbeEvidence = 200;

// The sum of all probes under one order so far, with the result of the latest.
struct ProbeReport {
  std::uint64_t serial = 0;  // of the order; a report with another serial is stale
  std::uint64_t tries = 0;
  std::uint64_t passes_in_a_row = 0;
  std::uint64_t failures_in_a_row = 0;
  ProbeOutcome last = ProbeOutcome::passed;
  int status = 0;          // of the last answer; 0 if there was none
  int code = 0;            // the errno value if the latest probe was not started
  bool connected = false;  // the latest reached it
  ProbeEvidence evidence;
  base::Duration took{};  // how long the latest probe that was started took
};

using ProbeBox = handoff::Latest<ProbeReport>;

// "Probe this until the order leaves the table." Two orders with the same serial are the same order: the
// worker continues with its state; a new serial starts afresh, with the first probe at once.
struct ProbeOrder {
  EndpointRef endpoint;
  std::uint64_t serial = 0;
  std::shared_ptr<const config::Health> check;
  std::string host;  // resolved: the value of the Host field
  // Until the first success: start_timeout, and every 10 ms, growing to interval. Then, or if false: timeout,
  // and every interval.
  bool starting = true;
  base::Duration interval{};  // the steady pace (health.interval, or guard_interval while guarding)
  std::shared_ptr<ProbeBox> box;
};

}  // namespace gracevisor::routing
