#include "proxy/entrance.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "proxy/core.h"

namespace gracevisor::proxy {
namespace {

constexpr unsigned kBitsPerByte = 8;

// The address's bytes: 4 or 16, none for other families. IPv4 mapped into IPv6 counts as IPv4.
std::span<const unsigned char> bytes_of(const base::Address& address) {
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    return {reinterpret_cast<const unsigned char*>(&v4->sin_addr), sizeof v4->sin_addr};
  }
  if (address.family() != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
  std::span<const unsigned char> all(reinterpret_cast<const unsigned char*>(&v6->sin6_addr),
                                     sizeof v6->sin6_addr);
  return IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? all.last(sizeof(in_addr)) : all;
}

bool contains(const config::Cidr& cidr, std::span<const unsigned char> address) {
  std::span<const unsigned char> network = bytes_of(cidr.network);
  if (network.size() != address.size() || cidr.prefix > address.size() * kBitsPerByte) return false;
  std::size_t whole = cidr.prefix / kBitsPerByte;
  if (std::memcmp(network.data(), address.data(), whole) != 0) return false;
  unsigned rest = cidr.prefix % kBitsPerByte;
  if (rest == 0) return true;
  unsigned mask = 0xFFU << (kBitsPerByte - rest);
  return ((network[whole] ^ address[whole]) & mask & 0xFFU) == 0;
}

void follow(Entrance& entrance, std::shared_ptr<const config::Listener> config) {
  entrance.limits = {.target = config->max_target,
                     .head = config->max_head,
                     .fields = config->max_fields,
                     .field = config->max_field,
                     .targets_as_sent = config->targets == config::Listener::Targets::as_sent};
  entrance.config = std::move(config);
}

}  // namespace

bool any_contains(const std::vector<config::Cidr>& networks, const base::Address& address) {
  auto bytes = bytes_of(address);
  if (bytes.empty()) return false;
  return std::any_of(networks.begin(), networks.end(),
                     [&](const auto& cidr) { return contains(cidr, bytes); });
}

bool Entrances::adopt(const routing::RouteTable& table, base::WorkerIndex worker) {
  const bool succeeded = table.successor != nullptr;
  for (auto& entrance : entrances_) entrance->routes = nullptr;
  for (const routing::ListenerRoutes& routes : table.listeners) {
    Entrance& entrance = entrance_of(routes);
    entrance.routes = &routes;
    // It is already leaving, and this worker missed the tables in which it arrived: connections are waiting.
    if (!entrance.config && !succeeded && (routes.leaving || table.closing)) open(entrance, worker);
    if (entrance.config != routes.config) follow(entrance, routes.config);
  }
  for (auto& entrance : entrances_) {
    if (succeeded || entrance->leaving() || table.closing) close(*entrance, !succeeded);
  }
  std::erase_if(entrances_,
                [](const auto& entrance) { return entrance->routes == nullptr && entrance->clients == 0; });
  if (!succeeded && !table.closing) open_missing(worker);
  return std::ranges::any_of(entrances_, [](const auto& entrance) { return entrance->routes == nullptr; });
}

Entrance& Entrances::entrance_of(const routing::ListenerRoutes& routes) {
  auto it = std::find_if(entrances_.begin(), entrances_.end(),
                         [&](const auto& entrance) { return entrance->sockets == routes.sockets; });
  if (it != entrances_.end()) return **it;
  Entrance& entrance = *entrances_.emplace_back(std::make_unique<Entrance>(core_));
  entrance.sockets = routes.sockets;
  entrance.address = routes.sockets->address.text();
  count_at(entrance, *routes.sockets);
  return entrance;
}

void Entrances::count_at(Entrance& entrance, const routing::ListenerSockets& sockets) const noexcept {
  entrance.ledger = sockets.ledger;
  entrance.cell = &entrance.ledger->cells[core_.kit().worker.value()];
}

void Entrances::open_missing(base::WorkerIndex worker) {
  for (auto& entrance : entrances_) {
    if (!entrance->listeners && !entrance->leaving()) open(*entrance, worker);
  }
}

// A failure for lack of descriptors is retried.
void Entrances::open(Entrance& entrance, base::WorkerIndex worker) {
  const auto& sockets = entrance.sockets->sockets;
  const std::size_t workers = entrance.sockets->ledger->cells.size();
  std::vector<std::unique_ptr<loop::Listener>> listeners;
  for (std::size_t i = worker.value(); i < sockets.size(); i += workers) {
    auto listener = listen(entrance, sockets[i].get());
    if (!listener) {
      core_.kit().notices.shortage(&routing::Shortages::accept, listener.error().code);
      return;
    }
    listeners.push_back(std::move(*listener));
  }
  entrance.listeners = std::move(listeners);
}

base::Expected<std::unique_ptr<loop::Listener>> Entrances::listen(Entrance& entrance, int socket) {
  auto own = base::duplicate(socket);
  if (!own) return std::unexpected(own.error());
  return loop::Listener::create(
      core_.kit().loop, std::move(*own),
      [this, e = &entrance](loop::Accepted connection) { receive(*e, {std::move(connection), {}}); },
      [this](int code) {
        core_.kit().notices.shortage(&routing::Shortages::accept, code);
        return core_.kit().upstreams.give_up_idle();
      });
}

// A connection that was accepted here stays, unless another worker has clearly fewer. Connections that waited
// at a closing listener always stay.
void Entrances::receive(Entrance& entrance, Arrival arrival) {
  AcceptMember& member = core_.accept_member();
  const base::Epoch epoch = core_.kit().tables.current()->epoch;
  entrance.cell->accepted.add();
  if (!entrance.leaving() && !core_.kit().tables.closing()) {
    if (auto to = member.elsewhere(epoch)) {
      AcceptGroup::Passed item{std::move(arrival), entrance.sockets, entrance.config, epoch};
      if (member.pass(*to, std::move(item))) return;
      arrival = std::move(item.arrival);  // NOLINT(bugprone-use-after-move): refused, so untouched
    }
  }
  member.count();
  core_.accept(entrance, std::move(arrival), epoch);
}

void Entrances::inherit(succession::ClientConnection connection) {
  const succession::ClientState& state = connection.state;
  const auto known = std::ranges::find_if(entrances_, [&](const auto& entrance) {
    return entrance->routes != nullptr && entrance->address == state.listener;
  });
  Entrance& entrance = known != entrances_.end() ? **known : entrance_of_stray();
  receive(entrance, {.connection = {std::move(connection.socket), state.client},
                     .handed = Handed{.family = connection.family,
                                      .preface = state.preface,
                                      .served = state.served,
                                      .bytes = state.bytes}});
}

// Listed nowhere, so that it lasts as long as its connections.
Entrance& Entrances::entrance_of_stray() {
  Entrance& entrance = *entrances_.emplace_back(std::make_unique<Entrance>(core_));
  follow(entrance, std::make_shared<const config::Listener>());
  entrance.ledger = std::make_shared<routing::ListenerLedger>(core_.workers());
  entrance.cell = &entrance.ledger->cells[core_.kit().worker.value()];
  return entrance;
}

void Entrances::take_passed() {
  core_.accept_member().take_all([this](AcceptGroup::Passed item) {
    core_.accept(entrance_of(item), std::move(item.arrival), item.epoch);
  });
}

Entrance& Entrances::entrance_of(const AcceptGroup::Passed& passed) {
  for (auto& entrance : entrances_) {
    if (entrance->sockets == passed.sockets) return *entrance;
  }
  // The listener has left this worker's table since, as at its drain deadline: if no entrance of it is left,
  // one is made as if it had closed just now.
  for (auto& entrance : entrances_) {
    if (!entrance->sockets && entrance->ledger == passed.sockets->ledger) return *entrance;
  }
  Entrance& entrance = *entrances_.emplace_back(std::make_unique<Entrance>(core_));
  follow(entrance, passed.config);
  count_at(entrance, *passed.sockets);
  return entrance;
}

void Entrances::close(Entrance& entrance, bool accept_waiting) {
  // No connection that the kernel has already accepted is reset.
  if (entrance.listeners && accept_waiting) {
    for (const auto& listener : *entrance.listeners) listener->accept_all();
  }
  entrance.listeners.reset();
  if (entrance.routes == nullptr) entrance.sockets.reset();
}

void Entrances::close_all() noexcept {
  for (auto& entrance : entrances_) entrance->listeners.reset();
}

}  // namespace gracevisor::proxy
