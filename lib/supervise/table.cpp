#include "supervise/table.h"

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

// Those of the live spec, which lasts as long as a table refers to it. What the files say is copied, as it
// changes with them.
std::shared_ptr<const config::ProxyOptions> options_of(const TableApp& app) {
  if (!app.live) return std::make_shared<const config::ProxyOptions>(app.config->proxy_options);
  return {app.live, &app.live->app.proxy_options};
}

// A target, or listed once, no longer a target, and a worker may still touch it: repeated until quiescent.
void add_endpoints(const TableApp& app, routing::AppRoutes& routes) {
  for (const TableEndpoint& one : app.endpoints) {
    if (one.healthy && app.mode == routing::AppMode::live) {
      routes.targets.push_back(one.endpoint);
    } else if (one.in_use) {
      routes.leaving.push_back({one.endpoint, one.closing});
    }
  }
}

routing::AppRoutes routes_of(TableApp& app) {
  const config::App& config = *app.config;
  routing::AppRoutes routes;
  routes.id = app.id;
  routes.name = std::move(app.name);
  routes.mode = app.mode;
  routes.protocol = config.protocol;
  routes.hold = config.deploy.hold;
  routes.generation = app.generation;
  routes.upgraded = config.deploy.upgraded;
  routes.drain_window = config.drain_timeout();
  routes.options = options_of(app);
  routes.ledger = std::move(app.ledger);
  routes.window = app.window;
  routes.access = routing::access_sink(
      config.log.access, {{}, config.log.access_format, config.log.max_size, config.log.keep, app.user});
  add_endpoints(app, routes);
  return routes;
}

}  // namespace

std::unique_ptr<routing::RouteTable> build_table(TableInput input) {
  auto table = std::make_unique<routing::RouteTable>();
  table->closing = input.closing;
  table->room = input.room;
  table->listeners = std::move(input.listeners);
  table->apps.reserve(input.apps.size());
  for (TableApp& app : input.apps) {
    for (TableProbe& probe : app.probes) {
      probe.order.starting = probe.state == decide::InstanceState::starting;
      probe.order.host = probe_host(probe.spec->app);
      table->probes.push_back(std::move(probe.order));
    }
    if (config::is_routed(app.config->endpoint)) table->apps.push_back(routes_of(app));
  }
  return table;
}

}  // namespace gracevisor::supervise
