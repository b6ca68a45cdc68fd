// The desired state as one route table, built from what the apps decided and the world holds. Thread: the
// supervisor's.
#pragma once

#include <memory>
#include <vector>

#include "routing/route_table.h"
#include "supervise/listener_book.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

struct TableInput {
  const std::vector<decide::App*>& apps;  // in the order of their ids
  const std::vector<FacingApp>& facing;   // the same apps as their clients see them
  const World& world;
  const Publisher& publisher;
  std::vector<routing::ListenerRoutes> listeners;
  bool closing = false;
};

// Before the table is built: every instance that is to be probed is so at the pace that its app now needs.
void set_probe_intervals(const std::vector<decide::App*>& apps, World& world);
// Changes nothing.
[[nodiscard]] std::unique_ptr<routing::RouteTable> build_table(TableInput input);
// Before the table is published as `epoch`: notes in each run's Listing what it says about the endpoint.
void note_listed(const routing::RouteTable& table, base::Epoch epoch, World& world);

}  // namespace gracevisor::supervise
