#include "proxy/core.h"

#include <algorithm>
#include <utility>

namespace gracevisor::proxy {
Core::Core(loop::Loop& loop, Settings settings, routing::WorkerPort& port,
           std::function<void()> ring_supervisor, std::function<void()> ring_writer)
    : settings_(settings),
      port_(port),
      kit_(loop, settings.index, port, std::move(ring_supervisor), std::move(ring_writer)),
      crowd_(room_.clients),
      prober_(kit_),
      accept_member_(settings.accept_group, settings.index),
      entrances_(*this),
      hand_over_(loop, port, kit_.bell),
      inheritance_(*this, port),
      exchanges_(kit_) {}

Core::~Core() {
  entrances_.close_all();
  for (auto& client : clients_) client->shut();
  clients_.clear();
  kit_.switchboard.clear_pools();
}

void Core::look() {
  // Before the next table: it may be the one that ends the listener they came through.
  entrances_.take_passed();
  if (auto letter = port_.mailbox.take()) {
    adopt(std::move(letter->table));
  } else if (const routing::RouteTable* now = kit_.tables.current(); now != nullptr) {
    if (!now->closing && now->successor == nullptr) entrances_.open_missing(settings_.index);
    inheritance_.watch_missing();
  }
}

void Core::adopt(routing::RouteTableRef table) {
  kit_.switchboard.adopt(std::move(table));
  const routing::RouteTable& now = *kit_.tables.current();
  room_ = now.room;
  kit_.upstreams.allow(room_.clients);
  kit_.pipes.allow(room_.pipes);
  crowd_.allow(room_.clients);
  count_clients();
  prober_.cancel_gone(now);
  // From here on, except through leases, no connection and no probe of ours can reach what is no longer a
  // target.
  kit_.tables.announce();

  // The entrances come first: the former table may be gone by now, and a connection whose exchange ends may
  // go on with a pipelined request, which is routed by them.
  const bool gone = entrances_.adopt(now, settings_.index);
  if (hand_over_.follow(now.successor)) look_at_successor();
  port_.entered.reach(now.epoch);
  kit_.bell.ring();
  if (gone) end_clients_of_gone_listeners();
  look_at_leaving_sites();
  kit_.hold_queue.match_all_again();
  prober_.adopt(now, settings_.index, settings_.workers);
  inheritance_.follow(now.predecessor);
}

void Core::look_at_leaving_sites() {
  if (!kit_.switchboard.any_closing() && kit_.tunnels == 0) return;
  // From the back: a client that ends is replaced by the last one, which was looked at already.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i >= clients_.size()) continue;
    if (StreamUser* user = clients_[i]->user()) user->look_at_site();
  }
}

void Core::look_at_successor() {
  // From the back: a client that ends is replaced by the last one, which was looked at already.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->look_at_successor();
  }
}

void Core::end_clients_of_gone_listeners() {
  // From the back: a client that ends is replaced by the last one, which was looked at already.
  for (std::size_t i = clients_.size(); i-- > 0;) {
    if (i < clients_.size()) clients_[i]->look_at_listener();
  }
}

void Core::accept(Entrance& entrance, Arrival arrival, base::Epoch since) {
  auto lacking = [this] { return clients_.size() + 1 - std::min(clients_.size() + 1, room_.clients); };
  // Connections that are turned away exist in excess of the places.
  if (lacking() > 0) crowd_.pass_over_askers();
  if (crowd_.can_spare(lacking())) {
    for (std::size_t n = lacking(); n > 0; --n) {
      if (Downstream* client = crowd_.first_to_go()) client->make_room();
    }
  }
  const bool full = lacking() > 0;
  if (full) kit_.notices.shortage(&routing::Shortages::turned_away, 0);
  if (full && clients_.size() - room_.clients >= room_.turned_away) {
    entrance.cell->ended.add();
    accept_member_.uncount();
    return;
  }
  const bool astray = arrival.handed && entrance.routes == nullptr;
  const bool preface = arrival.handed ? arrival.handed->preface : entrance.config->proxy_protocol;
  auto client = Downstream::open(entrance, std::move(arrival), since);
  if (!client) {
    accept_member_.uncount();
    return;
  }
  (*client)->position_ = static_cast<std::uint32_t>(clients_.size());
  Downstream& opened = *clients_.emplace_back(std::move(*client));
  count_clients();
  if (full) {
    opened.turn_away(Reply::too_many_connections);
  } else if (astray) {
    opened.end_astray(preface);
  } else {
    opened.begin(preface);
  }
}

void Core::count_clients() {
  exchanges_.follow(clients_.size());
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
  count_clients();
  accept_member_.uncount();
  kit_.loop.retire(std::move(gone));
}

}  // namespace gracevisor::proxy
