// Health checks as they cross threads: what a worker is to probe, and what came of it.
// The worker runs the probe; the supervisor judges. Reports are state, not events: a report that was
// overwritten before it was read loses nothing, because it counts.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "handoff/latest.h"
#include "routing/endpoint.h"

namespace gracevisor::routing {

enum class ProbeOutcome {
  passed,
  wrong_status,  // an answer, but not one that counts; `status` has it
  refused,       // nobody listens
  timed_out,
  broken,     // the connection ended before a whole answer
  malformed,  // not HTTP/1.x
  unable,     // not begun: no descriptor, memory or local port of our own; says nothing about the instance
};

// The sum of all probes under one order so far, newest last.
struct ProbeReport {
  std::uint64_t serial = 0;  // of the order; another one is stale
  std::uint64_t tries = 0;
  std::uint64_t passes_in_a_row = 0;
  std::uint64_t failures_in_a_row = 0;
  ProbeOutcome last = ProbeOutcome::passed;
  int status = 0;         // of the last answer, 0 without one
  int code = 0;           // errno's value, of one that was not begun
  base::Duration took{};  // the last probe
};

using ProbeBox = handoff::Latest<ProbeReport>;

// "Probe this until the order leaves the table." Two orders with one serial are the same order: a worker goes
// on with what it has; a new serial starts from nothing, with the first probe at once.
struct ProbeOrder {
  EndpointRef endpoint;
  std::uint64_t serial = 0;
  std::shared_ptr<const config::Health> check;
  std::string host;  // resolved: what the Host field says
  bool starting =
      true;  // true: start_timeout, every 10 ms growing to interval; false: timeout, every interval
  base::Duration interval{};  // the steady pace (health.interval, or guard_interval while guarding)
  std::shared_ptr<ProbeBox> box;
};

}  // namespace gracevisor::routing
