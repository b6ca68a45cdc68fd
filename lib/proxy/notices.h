// What a worker tells the supervisor besides its marks and reports: that a limit was reached, that a request
// failed, that a response waits for its client. All are counted; limits and failures each ring the bell at
// most once a second. Thread: the worker's.
#pragma once

#include "base/clock.h"
#include "http/reasons.h"
#include "loop/loop.h"
#include "proxy/bell.h"
#include "proxy/table_holder.h"
#include "routing/endpoint.h"
#include "routing/worker_port.h"

namespace gracevisor::proxy {

class Notices {
 public:
  Notices(loop::Loop& loop, routing::WorkerPort& port, const TableHolder& tables, const Bell& bell) noexcept
      : loop_(loop), port_(port), tables_(tables), bell_(bell) {}

  // A limit was reached. `code` is errno's value, or 0 where the limit is our own.
  void shortage(handoff::Tally routing::Shortages::* what, int code) noexcept;
  // A request to an app failed, for the daemon's log. `at` (null: none) is the instance to blame. May
  // allocate.
  void failure(routing::AppLedger& app, const http::Refusal& why, const routing::Endpoint* at);
  // A response begins or ceases to wait for its client to read it, whether or not it still holds a lease.
  void begin_unsent() noexcept { port_.unsent.add(); }
  void end_unsent() noexcept {
    port_.unsent.subtract();
    if (tables_.closing()) bell_.ring();
  }

 private:
  // Rings unless it did so less than a second ago, at `last`.
  void ring_now_and_then(base::TimePoint& last) noexcept;

  loop::Loop& loop_;
  routing::WorkerPort& port_;
  const TableHolder& tables_;
  const Bell& bell_;
  base::TimePoint shortage_told_{};  // when it last rang for one
  base::TimePoint failure_told_{};
};

}  // namespace gracevisor::proxy
