// Why a worker failed a request of an app last: workers write no log, so this is how the daemon's log gets to
// know. State, not events: a letter that was overwritten before it was read is lost, and AppCell::failed
// counts them all. Threads: written by any worker, read by the supervisor.
#pragma once

#include <string>

#include "handoff/latest.h"
#include "http/reasons.h"
#include "routing/endpoint.h"

namespace gracevisor::routing {

struct LastFailure {
  http::Reason reason = http::Reason::none;
  std::string field;              // whose rule was broken; empty: none's
  base::GenerationId generation;  // of the instance; 0: none was tried, or none is to blame
  base::Slot slot;
};

using LastFailureBox = handoff::Latest<LastFailure>;

}  // namespace gracevisor::routing
