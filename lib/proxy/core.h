// One worker's data plane: its listeners, its clients and its health checks, brought in line with each table
// that the worker adopts. Owns all their objects. What they share is in the Kit. Thread: the worker's.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/accept_group.h"
#include "proxy/crowd.h"
#include "proxy/downstream.h"
#include "proxy/exchange_pool.h"
#include "proxy/hand_over.h"
#include "proxy/inheritance.h"
#include "proxy/kit.h"
#include "proxy/prober.h"

namespace gracevisor::proxy {

class Core {
 public:
  struct Settings {
    base::WorkerIndex index;
    std::size_t workers = 1;
    AcceptGroup* accept_group = nullptr;  // outlives the core; null: the worker accepts alone
  };
  Core(loop::Loop& loop, Settings settings, routing::WorkerPort& port, std::function<void()> ring_supervisor,
       std::function<void()> ring_writer);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  // Closes everything; afterwards no lease is left.
  ~Core();

  // Takes in the connections passed to this worker, adopts the newest table if there is one, and catches up
  // on what could not be done before.
  void look();

  // What follows is for the entrances, the connections and the inheritance.

  // Opens a connection that stays with this worker and is already counted for it. `since`: the table under
  // which it was accepted.
  void accept(Entrance& entrance, Arrival arrival, base::Epoch since);
  void forget(Downstream& client);
  [[nodiscard]] Kit& kit() noexcept { return kit_; }
  [[nodiscard]] ExchangePool& exchanges() noexcept { return exchanges_; }
  [[nodiscard]] Crowd& crowd() noexcept { return crowd_; }
  [[nodiscard]] Entrances& entrances() noexcept { return entrances_; }
  [[nodiscard]] HandOver& hand_over() noexcept { return hand_over_; }
  [[nodiscard]] AcceptMember& accept_member() noexcept { return accept_member_; }
  [[nodiscard]] std::size_t workers() const noexcept { return settings_.workers; }

 private:
  void adopt(routing::RouteTableRef table);
  // Looks at what is under way at endpoints that are no longer targets, or that are closing.
  void look_at_leaving_sites();
  // The number of clients has changed.
  void count_clients();
  // There is a successor, or no longer.
  void look_at_successor();
  // Ends connections whose listeners are no longer in any table.
  void end_clients_of_gone_listeners();

  const Settings settings_;
  routing::WorkerPort& port_;
  routing::Room room_;  // as the current table says
  Kit kit_;
  Crowd crowd_;
  Prober prober_;
  AcceptMember accept_member_;
  Entrances entrances_;
  HandOver hand_over_;
  Inheritance inheritance_;
  ExchangePool exchanges_;
  std::vector<std::unique_ptr<Downstream>> clients_;
};

}  // namespace gracevisor::proxy
