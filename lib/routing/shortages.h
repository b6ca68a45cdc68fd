// What one worker could not do because a limit of this process or of the machine was reached: counted by the
// worker, reported by the supervisor. Threads: written by that worker, read by the supervisor.
#pragma once

#include "handoff/tally.h"

namespace gracevisor::routing {

struct alignas(64) Shortages {
  handoff::Tally turned_away;  // clients that found every place taken
  handoff::Tally accept;       // no descriptor or memory for a waiting client, or for a listening socket
  handoff::Tally dial;         // the same, or no local port, for a connection to an instance
  handoff::Tally probe;        // the same for a health check
  handoff::Tally code;         // the errno value of the latest of these, except turned_away
};

}  // namespace gracevisor::routing
