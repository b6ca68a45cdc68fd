// The desired state as one route table: a pure function of what the apps decided and of what is known about
// their endpoints (table_input.h collects that). Thread: values, any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "decide/instance_state.h"
#include "routing/route_table.h"
#include "spec/spec.h"

namespace gracevisor::supervise {

// An endpoint that exists, of any generation of its app.
struct TableEndpoint {
  routing::EndpointRef endpoint;
  bool healthy = false;  // a routable instance of the live generation: a target as long as the app serves
  bool in_use = false;   // a table listed it, and a worker may still touch it
  bool closing = false;  // what is still under way there is to be cut
};

// An endpoint that is to be probed.
struct TableProbe {
  routing::ProbeOrder order;  // without host and starting, which build_table() fills in
  decide::InstanceState state{};
  spec::SpecRef spec;
};

struct TableApp {
  base::AppId id;
  std::string name;
  routing::AppMode mode = routing::AppMode::stopped;
  // The configuration that clients see: the live spec's; without one, what the app will be started with.
  // Outlives the call.
  const config::App* config = nullptr;
  base::GenerationId generation;  // the live one
  spec::SpecRef live;             // its spec; null: there is none
  std::shared_ptr<routing::AppLedger> ledger;
  std::uint64_t window = 0;
  const spawn::Credentials* user = nullptr;  // whose rights its logs need; null: the daemon's
  std::vector<TableEndpoint> endpoints;      // in the order of their identities
  std::vector<TableProbe> probes;
};

struct TableInput {
  std::vector<TableApp> apps = {};  // in the order of their ids
  std::vector<routing::ListenerRoutes> listeners = {};
  bool closing = false;     // the daemon shuts down
  routing::Room room = {};  // of each worker
};

// The epoch is left unset: Publisher::publish() assigns it.
[[nodiscard]] std::unique_ptr<routing::RouteTable> build_table(TableInput input);

}  // namespace gracevisor::supervise
