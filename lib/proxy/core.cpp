#include "proxy/core.h"

#include <algorithm>
#include <utility>

namespace gracevisor::proxy {
namespace {
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHotExchange = 896;  // what every request touches
// Recycled exchanges that are always kept, for clients that come and go.
constexpr std::size_t kRestingAnyway = 64;
constexpr base::Duration kTellShortageEvery = std::chrono::seconds(1);
// The supervisor looks again by itself for longer than that after each failure: see decide/failure_book.h.
constexpr base::Duration kRingForFailures = std::chrono::seconds(1);
}  // namespace

Core::Core(loop::Loop& loop, Place place, routing::WorkerPort& port, std::function<void()> ring_supervisor,
           std::function<void()> ring_writer)
    : loop_(loop),
      place_(place),
      port_(port),
      bell_(std::move(ring_supervisor)),
      deadlines_(loop),
      pipes_(room_.pipes),
      crowd_(room_.clients),
      random_(static_cast<std::minstd_rand::result_type>(place.index.value() + 1)),
      tables_(port, bell_),
      upstreams_(loop, deadlines_, room_.clients),
      switchboard_(loop, upstreams_, place.index, tables_, bell_),
      hold_queue_(loop, bell_),
      access_(loop, port.access, std::move(ring_writer)),
      prober_(*this),
      accept_member_(place.accept_group, place.index),
      entrances_(*this) {}

Core::~Core() {
  entrances_.close_all();
  for (auto& client : clients_) client->shut();
  clients_.clear();
  switchboard_.clear_pools();
}

void Core::look() {
  // Before the next table: it may be the one that ends the listener they came through.
  entrances_.take_passed();
  if (auto letter = port_.mailbox.take()) {
    adopt(std::move(letter->table));
  } else if (tables_.current() != nullptr && !closing()) {
    entrances_.open_missing(place_.index);
  }
}

void Core::adopt(routing::RouteTableRef table) {
  switchboard_.adopt(std::move(table));
  const routing::RouteTable& now = *tables_.current();
  room_ = now.room;
  upstreams_.allow(room_.clients);
  pipes_.allow(room_.pipes);
  crowd_.allow(room_.clients);
  follow_crowd();
  prober_.cancel_gone(now);
  // From here on, except through leases, no connection and no probe of ours can reach what is no longer a
  // target.
  tables_.announce();

  // The entrances come first: the former table may be gone by now, and a connection whose exchange ends may
  // go on with a pipelined request, which is routed by them.
  const bool gone = entrances_.adopt(now, place_.index);
  port_.entered.reach(now.epoch);
  bell_.ring();
  if (gone) end_clients_of_gone_listeners();
  look_at_leaving_sites();
  hold_queue_.match_all_again();
  prober_.adopt(now, place_.index, place_.workers);
}

void Core::look_at_leaving_sites() {
  if (!switchboard_.any_closing() && tunnels_ == 0) return;
  // From the back: a client that ends is replaced by the last one, which was looked at already.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i >= clients_.size()) continue;
    if (Exchange* exchange = clients_[i]->exchange()) {
      exchange->leave_closing_site();
    } else if (Tunnel* tunnel = clients_[i]->tunnel()) {
      tunnel->look_at_site();
    }
  }
}

void Core::end_clients_of_gone_listeners() {
  // From the back: a client that ends is replaced by the last one, which was looked at already.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->look_at_listener();
  }
}

void Core::accept(Entrance& entrance, loop::Accepted connection, base::Epoch since) {
  auto lacking = [this] { return clients_.size() + 1 - std::min(clients_.size() + 1, max_clients()); };
  // Connections that are turned away exist in excess of the places.
  if (lacking() > 0) crowd_.pass_over_askers();
  if (crowd_.can_spare(lacking())) {
    for (std::size_t n = lacking(); n > 0; --n) {
      if (Downstream* client = crowd_.first_to_go()) client->make_room();
    }
  }
  const bool full = lacking() > 0;
  if (full) note_shortage(&routing::Shortages::turned_away, 0);
  if (full && clients_.size() - max_clients() >= room_.turned_away) {
    entrance.cell->ended.add();
    accept_member_.uncount();
    return;
  }
  auto client = Downstream::open(*this, entrance, std::move(connection), since);
  if (!client) {
    accept_member_.uncount();
    return;
  }
  (*client)->position_ = static_cast<std::uint32_t>(clients_.size());
  Downstream& opened = *clients_.emplace_back(std::move(*client));
  follow_crowd();
  if (full) {
    opened.turn_away(Reply::too_many_connections);
  } else {
    opened.begin();
  }
}

void Core::tell_failure(LocalApp& app, const http::Refusal& why, const routing::Endpoint* at) {
  auto letter = std::make_unique<routing::LastFailure>();
  letter->reason = why.reason;
  letter->field = why.field;
  if (at != nullptr) {
    letter->generation = at->identity.generation;
    letter->slot = at->identity.slot;
  }
  app.ledger->last_failure.put(std::move(letter));
  port_.failures.add();
  if (failure_told_ != base::TimePoint{} && loop_.now() - failure_told_ < kRingForFailures) return;
  failure_told_ = loop_.now();
  bell_.ring();
}

void Core::follow_crowd() {
  crowd_.follow(clients_.size(), [this](const auto& see) {
    for (auto& client : clients_) see(*client);
  });
}

void Core::forget(Downstream& client) {
  std::size_t position = client.position_;
  std::unique_ptr<Downstream> gone = std::move(clients_[position]);
  if (position + 1 != clients_.size()) {
    clients_[position] = std::move(clients_.back());
    clients_[position]->position_ = gone->position_;
  }
  clients_.pop_back();
  follow_crowd();
  accept_member_.uncount();
  loop_.retire(std::move(gone));
  if (resting_.size() <= most_resting()) return;
  loop_.retire(std::move(resting_.back()));
  resting_.pop_back();
}

void Core::note_shortage(handoff::Tally routing::Shortages::* what, int code) noexcept {
  (port_.shortages.*what).add();
  if (code != 0) port_.shortages.code.set(static_cast<std::uint64_t>(code));
  base::TimePoint now = loop_.now();
  if (shortage_told_ != base::TimePoint{} && now - shortage_told_ < kTellShortageEvery) return;
  shortage_told_ = now;
  bell_.ring();
}

std::size_t Core::most_resting() const noexcept {
  return std::max(kRestingAnyway, clients_.size());
}

void Core::expect_exchange() const noexcept {
  if (resting_.empty()) return;
  const auto* place = reinterpret_cast<const char*>(resting_.back().get());
  for (std::size_t at = 0; at < kHotExchange; at += kCacheLine) __builtin_prefetch(place + at, 1);
}

std::unique_ptr<Exchange> Core::new_exchange() {
  if (resting_.empty()) return std::make_unique<Exchange>(*this);
  std::unique_ptr<Exchange> exchange = std::move(resting_.back());
  resting_.pop_back();
  return exchange;
}

void Core::recycle(std::unique_ptr<Exchange> exchange) {
  // With no place left, it is freed after the turn: its callbacks may still be on the stack.
  if (resting_.size() < most_resting()) {
    resting_.push_back(std::move(exchange));
  } else {
    loop_.retire(std::move(exchange));
  }
}

}  // namespace gracevisor::proxy
