// An endpoint as one worker sees it: its own ledger cell, its own idle connections, and whether the current
// table lists it as a target. Lives while that table lists the endpoint or a lease exists on it.
// Thread: the worker's.
#pragma once

#include <utility>

#include "proxy/ejection.h"
#include "proxy/upstream_pool.h"
#include "routing/endpoint.h"

namespace gracevisor::proxy {

struct Site {
  Site(routing::EndpointRef of, base::WorkerIndex worker, Upstreams& upstreams)
      : endpoint(std::move(of)), cell(endpoint->ledger.cell(worker)), pool(upstreams) {}

  const routing::EndpointRef endpoint;
  routing::LedgerCell& cell;
  UpstreamPool pool;
  Ejection ejection;
  bool target = false;   // in the current table
  bool listed = false;   // in the current table, as a target or as leaving
  bool closing = false;  // leaving, and no time is left for what is under way
};

}  // namespace gracevisor::proxy
