#include "supervise/predecessor.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "supervise/instance_name.h"

namespace gracevisor::supervise {
namespace {

using succession::Routes;

constexpr base::Duration kAgain = std::chrono::seconds(1);

std::string_view word(routing::AppMode mode) {
  switch (mode) {
    case routing::AppMode::live: return "live";
    case routing::AppMode::hold: return "hold";
    case routing::AppMode::stopped: return "stopped";
    case routing::AppMode::crash_loop: return "crash-loop";
  }
  return "stopped";
}

std::uint64_t owner_of(const base::Address& address) {
  return address.owner() ? std::uint64_t{*address.owner()} + 1 : 0;
}

}  // namespace

Routes routes_of(const routing::RouteTable& table, std::uint64_t serial) {
  Routes routes;
  routes.serial = serial;
  for (const routing::ListenerRoutes& listener : table.listeners) {
    if (!listener.leaving) routes.listeners.push_back(listener.sockets->address.text());
  }
  for (const routing::AppRoutes& app : table.apps) {
    Routes::App& told = routes.apps.emplace_back();
    told.name = app.name;
    told.mode = word(app.mode);
    told.generation = app.generation.value();
    for (const routing::EndpointRef& target : app.targets)
      told.targets.push_back(
          {instance_name(app.name, target->identity), target->address.text(), owner_of(target->address)});
    for (const routing::Leaving& leaving : app.leaving)
      told.leaving.push_back({instance_name(app.name, leaving.endpoint->identity), leaving.closing});
  }
  return routes;
}

void Predecessor::had(const std::string& app, const routing::Identity& who) {
  // Its first report that counts is on the first routes.
  touched_.insert_or_assign(who, Touched{instance_name(app, who), 1});
}

void Predecessor::follow(const routing::RouteTable& table, base::TimePoint now) {
  if (!send_) return;
  Routes routes = routes_of(table, routes_.serial);
  // Most tables change nothing that matters here.
  if (routes_.serial != 0 && routes == routes_) return;
  ++routes.serial;
  routes_ = std::move(routes);
  for (const routing::AppRoutes& app : table.apps) {
    for (const routing::EndpointRef& target : app.targets)
      touched_.insert_or_assign(target->identity,
                                Touched{instance_name(app.name, target->identity), routes_.serial});
  }
  unsent_ = true;
  send(now);
}

void Predecessor::send(base::TimePoint now) {
  const bool unheard = use_.routes < routes_.serial && now - sent_at_ >= kAgain;
  if (!send_ || (!unsent_ && !unheard)) return;
  unsent_ = !send_(routes_);
  sent_at_ = now;
}

void Predecessor::on(const succession::InUse& use) {
  use_ = use;
  std::erase_if(touched_, [&](const auto& entry) {
    const Touched& touched = entry.second;
    return touched.listed <= use.routes &&
           std::ranges::find(use.instances, touched.name) == use.instances.end();
  });
}

}  // namespace gracevisor::supervise
