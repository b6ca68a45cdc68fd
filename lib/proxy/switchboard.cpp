#include "proxy/switchboard.h"

#include <algorithm>

#include "proxy/affinity.h"

namespace gracevisor::proxy {

Switchboard::Routed Switchboard::route(const routing::ListenerRoutes* listener,
                                       const Wanted& wanted) noexcept {
  Routed routed = match(listener, wanted);
  lease(routed, wanted.failed);
  return routed;
}

void Switchboard::lease(Routed& routed, const Site* failed) noexcept {
  if (routed.answer == Answer::live)
    routed.lease = Lease(choose(*routed.app, routed.affinity, failed), bell_);
}

Switchboard::Routed Switchboard::match(const routing::ListenerRoutes* listener,
                                       const Wanted& wanted) noexcept {
  Routed routed;
  const routing::RouteTable* table = tables_.current();
  if (table == nullptr || listener == nullptr) return routed;
  auto match = listener->tcp ? routing::HostIndex::Match{*listener->tcp}
                             : listener->index->find(wanted.host, wanted.path);
  if (!match && listener->former && wanted.since < listener->former_until) {
    match = listener->former->find(wanted.host, wanted.path);
    routed.former = true;
  }
  if (!match) return routed;
  const routing::AppRoutes* routes = table->find(match->app);
  if (routes == nullptr) return routed;
  routed.prefix = match->prefix;
  routed.affinity = wanted.affinity;
  if (wanted.head != nullptr) {
    routed.affinity = affinity_of(*routes->options, *wanted.head, wanted.client);
  } else if (listener->tcp && routes->options->balance == config::ProxyOptions::Balance::hash_client) {
    routed.affinity = affinity_of(wanted.client);
  }
  routed.app = by_position_[static_cast<std::size_t>(routes - table->apps.data())];
  switch (routes->mode) {
    case routing::AppMode::live:
      routed.answer = routed.app->targets.empty() ? Answer::hold : Answer::live;
      break;
    case routing::AppMode::hold: routed.answer = Answer::hold; break;
    case routing::AppMode::stopped: routed.answer = Answer::stopped; break;
    case routing::AppMode::crash_loop: routed.answer = Answer::crash_loop; break;
  }
  return routed;
}

Site& Switchboard::choose(LocalApp& app, std::uint64_t affinity, const Site* failed) noexcept {
  const std::vector<Site*>& targets = app.targets;
  if (failed != nullptr) {
    // In the table's order, so that as many attempts as there are targets try every one.
    auto it = std::find(targets.begin(), targets.end(), failed);
    if (it != targets.end()) return **(std::next(it) == targets.end() ? targets.begin() : std::next(it));
  }
  auto load_of = [&](std::size_t i) { return targets[i]->cell.leases.read(); };
  auto slot_of = [&](std::size_t i) -> std::uint64_t { return targets[i]->endpoint->identity.slot.value(); };
  std::size_t chosen =
      app.balancer.choose(app.routes->options->balance, targets.size(), load_of, affinity, slot_of);
  // An ejected target gives way to the next one that is not; if all are ejected, none gives way.
  base::TimePoint now = loop_.now();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Site& candidate = *targets[(chosen + i) % targets.size()];
    if (!candidate.ejection.out(now)) return candidate;
  }
  return *targets[chosen];
}

void Switchboard::adopt(routing::RouteTableRef table) {
  tables_.install(std::move(table));
  const routing::RouteTable& now = *tables_.current();
  for (auto& [endpoint, site] : sites_) site->target = site->listed = site->closing = false;
  for (auto& [id, app] : apps_) {
    app->routes = nullptr;
    app->targets.clear();
  }
  by_position_.clear();
  for (const routing::AppRoutes& routes : now.apps) join(routes);
  for (auto& [endpoint, site] : sites_) {
    if (!site->target) site->pool.clear();
  }
  sweep();
}

void Switchboard::join(const routing::AppRoutes& routes) {
  std::unique_ptr<LocalApp>& app = apps_[routes.id];
  if (!app) {
    // Workers that start together must not go through the targets in step.
    app = std::make_unique<LocalApp>((std::uint64_t{worker_.value()} + 1) * 0x9E3779B97F4A7C15U +
                                     routes.id.value());
  }
  app->routes = &routes;
  app->ledger = routes.ledger;
  app->cell = &app->ledger->cells[worker_.value()];
  app->cell->waiting.set(app->held);
  if (app->cell->window.read() != routes.window) {
    app->cell->slowest_us.set(0);
    app->cell->slowest_body_us.set(0);
    app->cell->window.set(routes.window);
  }
  for (const routing::EndpointRef& endpoint : routes.targets) {
    Site& site = site_of(endpoint);
    site.target = site.listed = true;
    app->targets.push_back(&site);
  }
  for (const routing::Leaving& leaving : routes.leaving) {
    Site& site = site_of(leaving.endpoint);
    site.listed = true;
    site.closing = leaving.closing;
  }
  by_position_.push_back(app.get());
}

Site& Switchboard::site_of(const routing::EndpointRef& endpoint) {
  std::unique_ptr<Site>& site = sites_[endpoint.get()];
  if (!site) site = std::make_unique<Site>(endpoint, worker_, upstreams_);
  return *site;
}

void Switchboard::sweep() {
  std::erase_if(sites_, [](const auto& entry) {
    return !entry.second->listed && entry.second->cell.leases.read() == 0;
  });
  std::erase_if(apps_, [](const auto& entry) {
    return entry.second->routes == nullptr && entry.second->exchanges == 0;
  });
}

bool Switchboard::any_closing() const noexcept {
  return std::any_of(sites_.begin(), sites_.end(), [](const auto& entry) { return entry.second->closing; });
}

void Switchboard::clear_pools() noexcept {
  for (auto& [endpoint, site] : sites_) site->pool.clear();
}

}  // namespace gracevisor::proxy
