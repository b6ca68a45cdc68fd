#include "supervise/table.h"

#include <set>
#include <utility>

namespace gracevisor::supervise {
namespace {

std::string probe_host(const config::App& app) {
  if (app.health.host) return *app.health.host;
  for (const config::Route& route : app.routes) {
    if (!route.host.empty() && !route.host.starts_with("*.")) return route.host;
  }
  return "localhost";
}

void add_targets(const decide::App& app, const World& world, routing::AppRoutes& routes) {
  if (app.live() == nullptr || routes.mode != routing::AppMode::live) return;
  for (const auto& instance : app.live()->instances()) {
    if (!instance->routable()) continue;
    const Run* run = world.find_run(instance->identity());
    if (run != nullptr && run->endpoint()) routes.targets.push_back(run->endpoint());
  }
}

// Listed once, no longer a target, and a worker may still touch it: repeated until quiescent.
void add_leaving(const decide::App& app, const TableInput& input, routing::AppRoutes& routes) {
  const std::set<routing::EndpointRef> targets(routes.targets.begin(), routes.targets.end());
  for (const auto& [who, run] : input.world.runs_of(app.id())) {
    if (!run->endpoint() || targets.contains(run->endpoint())) continue;
    const Listing& listing = std::as_const(*run).listing();
    if (listing.last_listed == base::Epoch()) continue;
    if (input.publisher.quiescent(*run->endpoint(), listing)) continue;
    routes.leaving.push_back({run->endpoint(), listing.closing});
  }
}

// Calls `each` with every instance that is to be probed, its run, and the configuration it was started with.
template <class World, class Each>
void for_each_probed(const decide::App& app, World& world, const Each& each) {
  for (const decide::Generation* generation : app.generations()) {
    for (const auto& instance : generation->instances()) {
      if (!instance->probed()) continue;
      auto* run = world.find_run(instance->identity());
      if (run != nullptr && run->endpoint()) each(*instance, *run, generation->spec()->app);
    }
  }
}

void add_probes(const decide::App& app, const World& world, std::vector<routing::ProbeOrder>& probes) {
  for_each_probed(app, world,
                  [&](const decide::Instance& instance, const Run& run, const config::App& config) {
                    bool starting = instance.state() == decide::InstanceState::starting;
                    probes.push_back(run.probe_order(starting, probe_host(config)));
                  });
}

// Those of the live spec, which lasts as long as a table refers to it. What the files say is copied, as it
// changes with them.
std::shared_ptr<const config::ProxyOptions> options_of(const decide::App& app, const config::App& facing) {
  if (app.live() == nullptr) return std::make_shared<const config::ProxyOptions>(facing.proxy_options);
  const spec::SpecRef& spec = app.live()->spec();
  return {spec, &spec->app.proxy_options};
}

}  // namespace

void set_probe_intervals(const std::vector<decide::App*>& apps, World& world) {
  for (const decide::App* app : apps) {
    for_each_probed(*app, world, [app](const decide::Instance&, Run& run, const config::App& config) {
      run.set_probe_interval(app->guarding() ? config.deploy.guard_interval : config.health.interval);
    });
  }
}

void note_listed(const routing::RouteTable& table, base::Epoch epoch, World& world) {
  for (const routing::AppRoutes& routes : table.apps) {
    for (const routing::EndpointRef& target : routes.targets) {
      Listing& listing = world.find_run(target->identity)->listing();
      listing.last_listed = epoch;
      listing.closing = false;
    }
  }
  for (const routing::ProbeOrder& order : table.probes) {
    world.find_run(order.endpoint->identity)->listing().last_probed = epoch;
  }
}

std::unique_ptr<routing::RouteTable> build_table(TableInput input) {
  auto table = std::make_unique<routing::RouteTable>();
  table->closing = input.closing;
  table->apps.reserve(input.apps.size());
  table->listeners = std::move(input.listeners);
  for (std::size_t i = 0; i < input.apps.size(); ++i) {
    const decide::App& app = *input.apps[i];
    const config::App& config = *input.facing[i].config;
    if (config::is_routed(config.endpoint)) {
      routing::AppRoutes routes;
      routes.id = app.id();
      routes.name = app.name();
      routes.mode = app.mode();
      routes.protocol = config.protocol;
      routes.upgraded = config.deploy.upgraded;
      routes.drain_window = config.drain_timeout();
      routes.hold = config.deploy.hold;
      if (app.live() != nullptr) routes.generation = app.live()->id();
      routes.options = options_of(app, config);
      routes.ledger = input.world.ledger(app.id());
      routes.window = input.world.window(app.id());
      routes.access = routing::access_sink(
          config.log.access,
          {{}, config.log.access_format, config.log.max_size, config.log.keep, input.world.user(app.id())});
      add_targets(app, input.world, routes);
      add_leaving(app, input, routes);
      table->apps.push_back(std::move(routes));
    }
    add_probes(app, input.world, table->probes);
  }
  return table;
}

}  // namespace gracevisor::supervise
