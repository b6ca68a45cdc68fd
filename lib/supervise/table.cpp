#include "supervise/table.h"

#include <algorithm>

namespace gracevisor::supervise {
namespace {

std::string probe_host(const config::App& app) {
  if (app.health.host) return *app.health.host;
  for (const config::Route& route : app.routes) {
    if (!route.host.empty() && !route.host.starts_with("*.")) return route.host;
  }
  return "localhost";
}

void add_targets(const decide::App& app, World& world, base::Epoch epoch, routing::AppRoutes& routes) {
  if (app.live() == nullptr || routes.mode != routing::AppMode::live) return;
  for (const auto& instance : app.live()->instances()) {
    if (!instance->routable()) continue;
    Run* run = world.find_run(instance->identity());
    if (run == nullptr || !run->endpoint()) continue;
    run->listing().last_listed = epoch;
    run->listing().closing = false;
    routes.targets.push_back(run->endpoint());
  }
}

// Listed once, no longer a target, and a worker may still touch it: repeated until quiescent.
void add_leaving(const decide::App& app, const TableInput& input, base::Epoch epoch,
                 routing::AppRoutes& routes) {
  for (const auto& [who, run] : input.world.runs_of(app.id())) {
    if (!run->endpoint()) continue;
    const Listing& listing = run->listing();
    if (listing.last_listed == base::Epoch() || listing.last_listed == epoch) continue;
    if (input.publisher.quiescent(*run->endpoint(), listing)) continue;
    routes.leaving.push_back({run->endpoint(), listing.closing});
  }
}

void add_probes(const decide::App& app, World& world, base::Epoch epoch,
                std::vector<routing::ProbeOrder>& probes) {
  for (const decide::Generation* generation : app.generations()) {
    for (const auto& instance : generation->instances()) {
      Run* run = world.find_run(instance->identity());
      if (run == nullptr || !run->endpoint() || !instance->probed()) continue;
      const config::App& config = generation->spec()->app;
      base::Duration interval = app.guarding() ? config.deploy.guard_interval : config.health.interval;
      bool starting = instance->state() == decide::InstanceState::starting;
      run->listing().last_probed = epoch;
      probes.push_back(run->order(starting, interval, probe_host(config)));
    }
  }
}

// Those of the live spec, which lasts as long as a table refers to it. What the files say is copied, as it
// changes with them.
std::shared_ptr<const config::ProxyOptions> options_of(const decide::App& app, const config::App& facing) {
  if (app.live() == nullptr) return std::make_shared<const config::ProxyOptions>(facing.proxy_options);
  const spec::SpecRef& spec = app.live()->spec();
  return {spec, &spec->app.proxy_options};
}

}  // namespace

std::unique_ptr<routing::RouteTable> build_table(const TableInput& input) {
  auto table = std::make_unique<routing::RouteTable>();
  base::Epoch epoch = input.publisher.next_epoch();
  table->closing = input.closing;
  table->apps.reserve(input.apps.size());
  table->listeners = input.listeners.routes(input.facing, {epoch, input.world.now()});
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
      add_targets(app, input.world, epoch, routes);
      add_leaving(app, input, epoch, routes);
      table->apps.push_back(std::move(routes));
    }
    add_probes(app, input.world, epoch, table->probes);
  }
  return table;
}

}  // namespace gracevisor::supervise
