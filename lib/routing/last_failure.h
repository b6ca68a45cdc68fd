// Why a worker last failed a request to an app: workers write no log, so this is how the reason reaches the
// daemon's log. State, not events: a letter overwritten before it was read is lost, but AppCell::failed
// counts every failure. Threads: written by any worker, read by the supervisor.
#pragma once

#include <string>

#include "handoff/latest.h"
#include "http/reasons.h"
#include "routing/endpoint.h"

namespace gracevisor::routing {

struct LastFailure {
  http::Reason reason = http::Reason::none;
  std::string field;              // the field that broke a rule; empty: none
  base::GenerationId generation;  // of the instance; 0: none was tried, or none is to blame
  base::Slot slot;
};

using LastFailureBox = handoff::Latest<LastFailure>;

}  // namespace gracevisor::routing
