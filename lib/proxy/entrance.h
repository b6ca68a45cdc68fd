// A listener as one worker serves it: its own socket, and the routes that the current table gives it.
//
//   listed: accepts --the table says `leaving`--> leaving: closed once it has accepted what waited; its
//     ^                                             |      connections keep their routes, and each ends with
//     '------------ listed again -------------------'      its next answer
//                                                   |no table lists it any more
//                                                   v
//                                                 gone: what is still open is ended
//
// Once the table names a successor, none of them accepts any more, and what waits is left to it.
//
// Lives while a table lists the listener or a connection that came through it is open. An accepted connection
// may be passed to a worker that has fewer connections; it arrives at that worker's entrance for the same
// listener (see proxy/accept_group.h). Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/head.h"
#include "loop/listener.h"
#include "proxy/accept_group.h"
#include "routing/route_table.h"

namespace gracevisor::proxy {

class Core;

struct Entrance {
  Core& core;
  std::shared_ptr<const routing::ListenerSockets> sockets;  // null once it left the table
  std::string address;                                      // theirs, as text
  const routing::ListenerRoutes* routes = nullptr;          // in the current table; null once it left
  std::shared_ptr<const config::Listener> config;           // of the newest table that listed it
  http::HeadLimits limits;                                  // as `config` says
  // This worker's; unset: closed, or they could not be opened yet. There may be none: then its connections
  // come from other workers alone.
  std::optional<std::vector<std::unique_ptr<loop::Listener>>> listeners;
  std::size_t clients = 0;                          // open connections
  std::shared_ptr<routing::ListenerLedger> ledger;  // outlives the sockets
  routing::ListenerCell* cell = nullptr;            // this worker's, in `ledger`

  // Its connections end with their next answer.
  [[nodiscard]] bool leaving() const noexcept { return routes == nullptr || routes->leaving; }
};

class Entrances {
 public:
  explicit Entrances(Core& core) noexcept : core_(core) {}

  // Brings the entrances in line with the current table: opens those that are new; for those that leave (all,
  // when the table is closing), accepts the waiting connections, then closes them; if there is a successor,
  // closes all of them, and leaves what waits to it. Returns whether an
  // entrance is gone that still has connections.
  [[nodiscard]] bool adopt(const routing::RouteTable& table, base::WorkerIndex worker);
  // Tries again to open what could not be opened for lack of descriptors.
  void open_missing(base::WorkerIndex worker);
  // Takes in a connection of the predecessor.
  void inherit(succession::ClientConnection connection);
  // Takes in what other workers have passed to this one.
  void take_passed();
  // Stops listening. Requires: no connection refers to an entrance when this object ends.
  void close_all() noexcept;

 private:
  [[nodiscard]] Entrance& entrance_of(const routing::ListenerRoutes& routes);
  [[nodiscard]] Entrance& entrance_of(const AcceptGroup::Passed& passed);
  void count_at(Entrance& entrance, const routing::ListenerSockets& sockets) const noexcept;
  void open(Entrance& entrance, base::WorkerIndex worker);
  [[nodiscard]] base::Expected<std::unique_ptr<loop::Listener>> listen(Entrance& entrance, int socket);
  void receive(Entrance& entrance, Arrival arrival);
  // For a connection that came through a listener that this daemon does not have.
  [[nodiscard]] Entrance& entrance_of_stray();
  static void close(Entrance& entrance, bool accept_waiting);

  Core& core_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
};

// Is `address` in one of the networks? IPv4 addresses may come mapped into IPv6.
[[nodiscard]] bool any_contains(const std::vector<config::Cidr>& networks, const base::Address& address);

}  // namespace gracevisor::proxy
