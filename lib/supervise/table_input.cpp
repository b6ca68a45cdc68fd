#include "supervise/table_input.h"

#include <set>
#include <utility>

namespace gracevisor::supervise {
namespace {

// Calls `each` with every instance that is to be probed, its run, and the spec it was started from.
template <class RunsOrConst, class Each>
void for_each_probed(const decide::App& app, RunsOrConst& runs, const Each& each) {
  for (const decide::Generation* generation : app.generations()) {
    for (const auto& instance : generation->instances()) {
      if (!instance->probed()) continue;
      auto* run = runs.find(instance->identity());
      if (run != nullptr && run->endpoint()) each(*instance, *run, generation->spec());
    }
  }
}

std::set<Identity> routable_instances(const decide::Generation* live) {
  std::set<Identity> routable;
  if (live == nullptr) return routable;
  for (const auto& instance : live->instances()) {
    if (instance->routable()) routable.insert(instance->identity());
  }
  return routable;
}

}  // namespace

void follow_settings(const decide::App& app, Runs& runs) {
  for (const decide::Generation* generation : app.generations()) {
    for (const auto& instance : generation->instances()) {
      if (Run* run = runs.find(instance->identity())) run->adjust(generation->spec());
    }
  }
  for_each_probed(app, runs, [&app](const decide::Instance&, Run& run, const spec::SpecRef& spec) {
    run.set_probe_interval(app.guarding() ? spec->app.deploy.guard_interval : spec->app.health.interval);
  });
}

TableApp table_app(const decide::App& app, const config::App& config, const World& world,
                   const Publisher& publisher) {
  TableApp result;
  result.id = app.id();
  result.name = app.name();
  result.mode = app.mode();
  result.config = &config;
  if (const decide::Generation* live = app.live()) {
    result.generation = live->id();
    result.live = live->spec();
  }
  const AppHoldings& holdings = world.holdings(app.id());
  result.ledger = holdings.ledger;
  result.window = holdings.window;
  result.user = holdings.user;
  const std::set<Identity> healthy = routable_instances(app.live());
  for (const auto& [who, run] : world.runs().of(app.id())) {
    if (!run->endpoint()) continue;
    const Listing& listing = std::as_const(*run).listing();
    const bool in_use =
        listing.last_listed != base::Epoch() && !publisher.quiescent(*run->endpoint(), listing);
    result.endpoints.push_back({run->endpoint(), healthy.contains(who), in_use, listing.closing});
  }
  for_each_probed(app, world.runs(),
                  [&](const decide::Instance& instance, const Run& run, const spec::SpecRef& spec) {
                    result.probes.push_back({run.probe_order(), instance.state(), spec});
                  });
  return result;
}

void note_listed(const routing::RouteTable& table, base::Epoch epoch, Runs& runs) {
  for (const routing::AppRoutes& routes : table.apps) {
    for (const routing::EndpointRef& target : routes.targets) {
      Listing& listing = runs.find(target->identity)->listing();
      listing.last_listed = epoch;
      listing.closing = false;
    }
  }
  for (const routing::ProbeOrder& order : table.probes) {
    runs.find(order.endpoint->identity)->listing().last_probed = epoch;
  }
}

}  // namespace gracevisor::supervise
