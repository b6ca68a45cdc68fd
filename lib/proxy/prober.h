// Health checks: one Probe per order of this worker, each with at most one connection open. A probe runs and
// counts; the supervisor judges. Thread: the worker's.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/strong.h"
#include "proxy/probe.h"
#include "routing/route_table.h"

namespace gracevisor::proxy {

struct Kit;

class Prober {
 public:
  explicit Prober(Kit& kit) noexcept : kit_(kit) {}

  // Ends the probes whose orders are not in `table`: their connections are closed on return.
  void cancel_gone(const routing::RouteTable& table);
  // Starts and updates the probes of this worker: those whose app id modulo `workers` is its index. Requires:
  // cancel_gone(table) was called, so that every probe at an endpoint of the table runs the table's order.
  void adopt(const routing::RouteTable& table, base::WorkerIndex worker, std::size_t workers);

 private:
  struct Running {
    std::unique_ptr<Probe> probe;
    base::Epoch listed;  // the newest table with its order
  };
  Kit& kit_;
  std::unordered_map<const routing::Endpoint*, Running> running_;  // each probe keeps its endpoint alive
};

}  // namespace gracevisor::proxy
