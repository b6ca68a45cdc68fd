// The addresses that apps are reached at: opens sockets, keeps them as long as a generation wants them, and
// joins hosts and paths to apps. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
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
  explicit ListenerBook(std::size_t workers) : workers_(workers) {}

  // Takes over the definitions of `listeners` (by name) and opens what is not open yet; all or nothing.
  [[nodiscard]] base::Expected<void> ensure(const std::vector<config::Listener>& listeners);
  // Closes what is in none of `wanted` (listener names).
  void keep_only(const std::set<std::string>& wanted);

  // What the route table says about the listeners that `apps` use. Indexes are built anew only when they
  // change.
  [[nodiscard]] std::vector<routing::ListenerRoutes> routes(const std::vector<FacingApp>& apps);

  // The addresses of a listener with their real ports; empty for an unknown name.
  [[nodiscard]] std::vector<std::string> addresses(const std::string& name) const;

 private:
  struct Open {
    config::Listener config;
    std::vector<std::shared_ptr<const routing::ListenerSockets>> sockets;  // one per address
    std::shared_ptr<const std::vector<config::Cidr>> trusted;
    std::vector<routing::HostIndex::Entry> entries;
    std::optional<base::AppId> fallback;
    std::shared_ptr<const routing::HostIndex> index;
  };
  [[nodiscard]] base::Expected<Open> open(const config::Listener& listener) const;
  void reindex(Open& open, const std::vector<FacingApp>& apps) const;

  std::size_t workers_;
  std::map<std::string, Open> open_;
};

}  // namespace gracevisor::supervise
