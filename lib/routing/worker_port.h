// The two-way channel between the supervisor and one worker: a letter down, marks up. The bells are the
// threads' own. Everything in it is level-triggered state, except the access log, which the writer thread
// takes. Threads: the supervisor puts the letters; the worker writes the marks, tallies and shortages, which
// the supervisor reads; for `access` see access_lane.h.
#pragma once

#include <memory>

#include "handoff/latest.h"
#include "handoff/mark.h"
#include "handoff/tally.h"
#include "routing/access_lane.h"
#include "routing/route_table.h"
#include "routing/shortages.h"

namespace gracevisor::routing {

// What is put into the mailbox, which cannot hold a shared_ptr directly.
struct TableLetter {
  RouteTableRef table;
};

struct WorkerPort {
  handoff::Latest<TableLetter> mailbox;  // put by the supervisor, taken by the worker
  handoff::Mark adopted;                 // the worker's newest table: it leases only from this one
  handoff::Mark entered;                 // its listeners match this table: see proxy/entrance.h
  handoff::Mark oldest_pinned;           // the oldest table that an exchange of the worker still uses
  handoff::Tally failures;               // letters that it put into apps' AppLedger::last_failure
  handoff::Tally unsent;   // responses whose rest is still being sent to the client, without a lease
  handoff::Tally handed;   // connections that it has given to the successor
  handoff::Tally to_hand;  // those that wait to be given now; counts from the moment that the worker has
                           // entered the table with the successor
  handoff::Tally taken;    // connections that it has received from the predecessor
  AccessLane access;
  Shortages shortages;
};

}  // namespace gracevisor::routing
