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
  World& world;
  const Publisher& publisher;
  ListenerBook& listeners;
  bool closing = false;
};

// Also notes in each run's Listing what the table about to be published says about its endpoint.
[[nodiscard]] std::unique_ptr<routing::RouteTable> build_table(const TableInput& input);

}  // namespace gracevisor::supervise
