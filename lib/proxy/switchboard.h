// The current table as one worker uses it: matches, chooses and leases in one call, so that no cutover can
// fall in between. State that outlives a table (an app's balancer, retry budget and held requests; an
// endpoint's idle connections) is kept here and joined to each new table on its adoption. Thread: the
// worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/head.h"
#include "proxy/balancer.h"
#include "proxy/lease.h"
#include "proxy/request_buffer.h"
#include "proxy/retry.h"
#include "proxy/table_holder.h"

namespace gracevisor::proxy {

// An app as one worker sees it. Lives while the current table lists the app or an exchange refers to it.
struct LocalApp {
  explicit LocalApp(std::uint64_t seed) noexcept : balancer(seed) {}

  const routing::AppRoutes* routes = nullptr;  // in the current table; null when it does not list the app
  std::shared_ptr<routing::AppLedger> ledger;
  routing::AppCell* cell = nullptr;  // this worker's, in `ledger`
  std::vector<Site*> targets;        // in the order of routes->targets
  Balancer balancer;
  RetryBudget budget;
  std::size_t exchanges = 0;   // those that refer to this app
  std::size_t held = 0;        // of these, those waiting in the hold queue
  std::size_t held_bytes = 0;  // that the held requests keep
  RequestBuffers bodies;       // of requests that are incomplete and have no instance yet
};

class Switchboard {
 public:
  Switchboard(loop::Loop& loop, Upstreams& upstreams, base::WorkerIndex worker, TableHolder& tables,
              const Bell& bell) noexcept
      : loop_(loop), upstreams_(upstreams), worker_(worker), tables_(tables), bell_(bell) {}

  enum class Answer : std::uint8_t { live, hold, stopped, crash_loop, no_route };
  // A request to be routed. On the first attempt the affinity is computed from `head`, if the app balances by
  // affinity; later attempts pass it in `affinity`.
  struct Wanted {
    std::string_view host;
    std::string_view path;
    std::string_view client;  // its address
    const http::RequestHead* head = nullptr;
    std::uint64_t affinity = 0;
    const Site* failed = nullptr;  // just refused a connection: take the next in table order instead
    base::Epoch since = {};        // the table under which its connection was accepted
  };
  struct Routed {
    Answer answer = Answer::no_route;
    LocalApp* app = nullptr;  // null only with no_route
    Lease lease;              // only with live, after route() or lease()
    std::size_t prefix = 0;   // of the path, as in HostIndex::Match
    std::uint64_t affinity = 0;
    bool former = false;  // only a former route could match: the connection ends with this answer
  };
  // Matches a request on `listener` (null: it has left the table), and leases a target of the matched app.
  [[nodiscard]] Routed route(const routing::ListenerRoutes* listener, const Wanted& wanted) noexcept;
  // The same in two steps within one callback, for a caller that decides in between whether it needs the
  // lease now.
  [[nodiscard]] Routed match(const routing::ListenerRoutes* listener, const Wanted& wanted) noexcept;
  void lease(Routed& routed, const Site* failed) noexcept;

  // Makes `table` the current one and closes the idle connections to endpoints that are no longer targets;
  // from now on leases come from `table`. The caller announces the marks.
  void adopt(routing::RouteTableRef table);
  // Does the current table list an endpoint that is closing?
  [[nodiscard]] bool any_closing() const noexcept;
  // Closes all idle connections.
  void clear_pools() noexcept;

  [[nodiscard]] TableHolder& tables() noexcept { return tables_; }

 private:
  [[nodiscard]] Site& site_of(const routing::EndpointRef& endpoint);
  void join(const routing::AppRoutes& routes);
  void sweep();
  [[nodiscard]] Site& choose(LocalApp& app, std::uint64_t affinity, const Site* failed) noexcept;

  loop::Loop& loop_;
  Upstreams& upstreams_;
  base::WorkerIndex worker_;
  TableHolder& tables_;
  const Bell& bell_;
  std::unordered_map<const routing::Endpoint*, std::unique_ptr<Site>> sites_;
  std::unordered_map<base::AppId, std::unique_ptr<LocalApp>> apps_;
  std::vector<LocalApp*> by_position_;  // in the order of the current table's apps
};

}  // namespace gracevisor::proxy
