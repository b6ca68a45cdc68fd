// What one worker could not do because a limit of this process or of the machine was reached: counted by it,
// told by the supervisor. Threads: written by that worker, read by the supervisor.
#pragma once

#include "handoff/tally.h"

namespace gracevisor::routing {

struct alignas(64) Shortages {
  handoff::Tally turned_away;  // clients who found every place taken
  handoff::Tally accept;       // no descriptor or memory for a client who waited, or for a listening socket
  handoff::Tally dial;         // the same, or no local port, for a connection to an instance
  handoff::Tally probe;        // the same for a health check
  handoff::Tally code;         // errno's value, of the last of these but turned_away
};

}  // namespace gracevisor::routing
