// The addresses that apps are reached at: opens sockets, keeps them as long as a generation wants them, and
// joins hosts and paths to apps. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "routing/route_table.h"

namespace gracevisor::supervise {

// One app as the listeners need it.
struct FacingApp {
  base::AppId id;
  const config::App* config = nullptr;
};

class ListenerBook {
 public:
  // Listeners that were opened but are not in use yet; given up, their new sockets close.
  class Opened;

  explicit ListenerBook(std::size_t workers);
  ListenerBook(const ListenerBook&) = delete;
  ListenerBook& operator=(const ListenerBook&) = delete;
  ~ListenerBook();

  // Opens what `listeners` (by name) need and is not open yet; all or nothing. What is in use stays as it is.
  [[nodiscard]] base::Expected<std::unique_ptr<Opened>> open(
      const std::vector<config::Listener>& listeners) const;
  // From the next table on these definitions are in force.
  void commit(std::unique_ptr<Opened> opened);

  // What the next table, `epoch`, says about the listeners that `apps` use; names that none of them uses are
  // given up. Indexes are built anew only when they change.
  [[nodiscard]] std::vector<routing::ListenerRoutes> routes(const std::vector<FacingApp>& apps,
                                                            base::Epoch epoch);
  // Ends the sockets that no table lists any more, once every worker has adopted such a table (and accepted
  // what waited): exchanges may keep older tables, and so the descriptors, for long, with nobody to accept.
  void end_given_up(base::Epoch adopted);
  // The daemon shuts down: ends all of them.
  void end_all();

  // The addresses of a listener with their real ports; empty for an unknown name.
  [[nodiscard]] std::vector<std::string> addresses(const std::string& name) const;

 private:
  using SocketsRef = std::shared_ptr<const routing::ListenerSockets>;
  struct Open {
    config::Listener config;
    std::vector<SocketsRef> sockets;                 // one per address
    std::shared_ptr<const config::Listener> shared;  // `config`, for the tables
    routing::AccessSinkRef access;
    std::vector<routing::HostIndex::Entry> entries;
    std::optional<base::AppId> fallback;
    std::shared_ptr<const routing::HostIndex> index;
    std::optional<base::AppId> tcp;
  };
  [[nodiscard]] base::Expected<Open> open_one(const config::Listener& listener) const;
  void give_up(const Open& open, const Open* successor);
  void reindex(Open& open, const std::vector<FacingApp>& apps) const;

  std::size_t workers_;
  std::map<std::string, Open> open_;
  std::vector<SocketsRef> giving_up_;                         // until the next table
  std::vector<std::pair<base::Epoch, SocketsRef>> given_up_;  // the first table without them
};

class ListenerBook::Opened {
 public:
  explicit Opened(std::vector<Open> listeners) : listeners_(std::move(listeners)) {}

 private:
  friend class ListenerBook;
  std::vector<Open> listeners_;
};

}  // namespace gracevisor::supervise
