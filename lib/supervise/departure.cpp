#include "supervise/departure.h"

#include <algorithm>
#include <utility>

#include "supervise/instance_name.h"

namespace gracevisor::supervise {
namespace {

using routing::AppMode;
using succession::InstanceName;
using succession::Routes;

constexpr base::Duration kLook = base::Millis(250);

template <class T, class U>
bool contains(const std::vector<T>& list, const U& one) {
  return std::ranges::find(list, one) != list.end();
}

AppMode mode_of(const Routes::App& app) {
  if (app.mode == "live") return AppMode::live;
  if (app.mode == "hold") return AppMode::hold;
  return app.mode == "crash-loop" ? AppMode::crash_loop : AppMode::stopped;
}

// The same log, which only the successor rotates.
routing::AccessSinkRef unrotated(const routing::AccessSinkRef& sink) {
  if (!sink) return sink;
  auto same = std::make_shared<routing::AccessSink>(*sink);
  same->max_size = 0;
  return same;
}

}  // namespace

Departure::Departure(loop::Loop& loop, Publisher& publisher, Settings settings, std::function<void()> changed)
    : publisher_(publisher),
      settings_(std::move(settings)),
      changed_(std::move(changed)),
      before_(publisher.newest()),
      timer_(loop, [this] { out_of_time(); }),
      look_timer_(loop, [this] { look(); }) {
  for (const routing::AppRoutes& app : before_->apps) {
    for (const routing::EndpointRef& target : app.targets)
      known_[instance_name(app.name, target->identity)] = {target, {before_->epoch, {}, false}};
    for (const routing::Leaving& leaving : app.leaving)
      known_[instance_name(app.name, leaving.endpoint->identity)] = {leaving.endpoint,
                                                                     {before_->epoch, {}, leaving.closing}};
  }
  cut_before_ = sum(&routing::LedgerCell::cut);
  if (settings_.drain_timeout > base::Duration::zero()) timer_.start(settings_.drain_timeout);
  look_timer_.start(kLook);
  publish();
}

void Departure::follow(const Routes& routes) {
  if (routes.serial <= routes_.serial) return;
  routes_ = routes;
  publish();
}

void Departure::pass_on(std::shared_ptr<const succession::ClientChannel> clients) {
  clients_ = std::move(clients);
  passing_since_ = publisher_.next_epoch();
  publish();
}

void Departure::end() {
  if (std::exchange(told_to_end_, true)) return out_of_time();
  begin_to_end();
}

void Departure::begin_to_end() {
  ending_ = true;
  timer_.start(std::max<base::Duration>(longest_drain(), base::Millis(1)));
  publish();
}

// First everything is asked to end, and when the drain is over, cut.
void Departure::out_of_time() {
  if (!ending_) return begin_to_end();
  cutting_ = true;
  publish();
}

base::Duration Departure::longest_drain() const {
  base::Duration longest{};
  for (const routing::AppRoutes& app : before_->apps) longest = std::max(longest, app.drain_window);
  return longest;
}

void Departure::look() {
  look_timer_.start(kLook);
  publisher_.drop_passed_tables();
  changed_();
}

void Departure::publish() {
  auto table = std::make_unique<routing::RouteTable>();
  const base::Epoch epoch = publisher_.next_epoch();
  table->listeners = before_->listeners;
  for (routing::ListenerRoutes& listener : table->listeners) {
    listener.access = unrotated(listener.access);
    const bool served = routes_.serial == 0 || contains(routes_.listeners, listener.sockets->address.text());
    if (!served) listener.leaving = true;
  }
  table->room = before_->room;
  table->closing = ending_;
  table->successor = clients_;
  for (const routing::AppRoutes& app : before_->apps) table->apps.push_back(routes_of(app));
  for (const routing::AppRoutes& app : table->apps) {
    for (const routing::EndpointRef& target : app.targets) {
      Listing& listing = known_.at(instance_name(app.name, target->identity)).listing;
      listing.last_listed = epoch;
      listing.closing = false;
    }
  }
  routes_since_ = epoch;
  publisher_.publish(std::move(table));
  forget_released();
}

// Of instances that have left.
void Departure::forget_released() {
  std::erase_if(known_, [this](const auto& entry) {
    const Known& known = entry.second;
    if (!publisher_.quiescent(*known.endpoint, known.listing)) return false;
    cut_forgotten_ += known.endpoint->ledger.sum(&routing::LedgerCell::cut);
    return true;
  });
}

routing::AppRoutes Departure::routes_of(const routing::AppRoutes& before) {
  routing::AppRoutes routes = before;
  routes.access = unrotated(before.access);
  routes.targets.clear();
  routes.leaving.clear();
  const auto now = std::ranges::find(routes_.apps, before.name, &Routes::App::name);
  if (told_to_end_) routes.upgraded = config::Deploy::Upgraded::now;
  const bool untold = routes_.serial == 0;
  const bool gone = !untold && now == routes_.apps.end();
  if (ending_ || gone) {
    routes.mode = AppMode::stopped;
  } else if (untold) {
    routes.targets = before.targets;
  } else {
    take_targets(before, *now, routes);
  }
  // All others that somebody may still touch leave.
  for (auto& [name, known] : known_) {
    if (name.app != before.name || contains(routes.targets, known.endpoint)) continue;
    if (cutting_) known.listing.closing = true;
    if (!publisher_.quiescent(*known.endpoint, known.listing))
      routes.leaving.push_back({known.endpoint, known.listing.closing});
  }
  return routes;
}

void Departure::take_targets(const routing::AppRoutes& before, const Routes::App& now,
                             routing::AppRoutes& into) {
  into.generation = base::GenerationId(now.generation);
  for (const Routes::Target& target : now.targets) {
    if (target.instance.app != before.name) continue;
    if (const routing::EndpointRef& endpoint = endpoint_of(before.id, target))
      into.targets.push_back(endpoint);
  }
  into.mode = mode_of(now);
  // Clients of an app that has no target for now wait for one.
  if (into.targets.empty() && into.mode == AppMode::live) into.mode = AppMode::hold;
  if (into.mode != AppMode::live) into.targets.clear();
  for (const Routes::Leaving& leaving : now.leaving) {
    const auto known = known_.find(leaving.instance);
    if (known != known_.end() && leaving.closing) known->second.listing.closing = true;
  }
}

// Null: its address is none.
const routing::EndpointRef& Departure::endpoint_of(base::AppId app, const Routes::Target& target) {
  const auto [known, fresh] = known_.try_emplace(target.instance);
  if (!fresh) return known->second.endpoint;
  static const routing::EndpointRef kNone;
  const auto address = base::Address::parse(target.address);
  if (!address) {
    known_.erase(known);
    return kNone;
  }
  const InstanceName& name = target.instance;
  const routing::Identity who{app, base::GenerationId(name.generation),
                              base::Slot(static_cast<std::uint32_t>(name.slot)),
                              base::Incarnation(name.incarnation)};
  const base::Address there =
      target.owner != 0 ? address->owned_by(static_cast<uid_t>(target.owner - 1)) : *address;
  known->second.endpoint = std::make_shared<const routing::Endpoint>(who, there, settings_.workers);
  return known->second.endpoint;
}

bool Departure::entered() const {
  return clients_ && publisher_.entered_by_all() >= passing_since_;
}

std::uint64_t Departure::sum(handoff::Tally routing::LedgerCell::* count) const {
  std::uint64_t total = 0;
  for (const auto& [name, known] : known_) total += known.endpoint->ledger.sum(count);
  return total;
}

std::uint64_t Departure::leases() const {
  return sum(&routing::LedgerCell::leases);
}

Departure::Counts Departure::counts() const {
  Counts counts;
  for (const routing::ListenerRoutes& listener : before_->listeners)
    counts.connections += listener.sockets->ledger->open();
  counts.tunnels = sum(&routing::LedgerCell::tunnels);
  counts.requests = leases() - std::min(leases(), counts.tunnels);
  counts.cut = cut_forgotten_ + sum(&routing::LedgerCell::cut) - cut_before_;
  std::uint64_t waiting = 0;
  for (const routing::WorkerPort* port : settings_.ports) {
    counts.handed += port->handed.read();
    waiting += port->to_hand.read();
  }
  counts.handing = !entered() || waiting != 0;
  return counts;
}

succession::InUse Departure::in_use() const {
  succession::InUse use;
  if (publisher_.adopted_by_all() >= routes_since_) use.routes = routes_.serial;
  for (const auto& [name, known] : known_) {
    if (!publisher_.quiescent(*known.endpoint, known.listing)) use.instances.push_back(name);
  }
  const Counts now = counts();
  use.connections = now.connections;
  use.tunnels = now.tunnels;
  return use;
}

bool Departure::over() const {
  const Counts now = counts();
  return entered() && now.connections == 0 && leases() == 0 && !publisher_.unsent();
}

}  // namespace gracevisor::supervise
