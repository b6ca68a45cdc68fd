// What a daemon still does once its successor is the owner: it finishes what its clients have begun, passes
// the others on, and ends. It decides nothing: how requests are served, and which instances leave, is the
// successor's to say (succession/messages.h).
//
//   superseded: serves as its last table says --the successor accepts--> passing on: accepts no more, passes
//   each connection on that is between two requests --no connection is left--> over
//
// The time that the configuration gives is over: tunnels are closed as upgraded = "…" says, and after the
// longest drain_timeout everything is cut. end(): the same, but tunnels are closed at once.
// Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "succession/messages.h"
#include "supervise/publisher.h"

namespace gracevisor::supervise {

class Departure {
 public:
  struct Settings {
    base::Duration drain_timeout{};  // how long tunnels and the rest may last; 0: as long as they do
    std::size_t workers = 1;
    std::vector<const routing::WorkerPort*> ports;
  };
  // `publisher` outlives it, and nothing else publishes from now on. `changed`: look at it again.
  Departure(loop::Loop& loop, Publisher& publisher, Settings settings, std::function<void()> changed);
  Departure(const Departure&) = delete;
  Departure& operator=(const Departure&) = delete;
  ~Departure() = default;

  // The successor's newest routes.
  void follow(const succession::Routes& routes);
  // The successor accepts, or is gone: no connection is accepted here any more, and those that are between
  // two requests go through `clients`.
  void pass_on(std::shared_ptr<const succession::ClientChannel> clients);
  // It is told to end.
  void end();
  // A worker rang: look at the marks again.
  void look();

  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t tunnels = 0;   // of these: WebSockets, TCP connections
    std::uint64_t requests = 0;  // under way, tunnels left out
    std::uint64_t cut = 0;       // since it began
    std::uint64_t handed = 0;    // connections that were passed on
    bool handing = false;        // some that could be passed on have not been yet
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] succession::InUse in_use() const;
  // Every connection has ended or was passed on, and nothing is left of any exchange.
  [[nodiscard]] bool over() const;
  // The longest drain_timeout of its apps.
  [[nodiscard]] base::Duration longest_drain() const;

 private:
  struct Known {
    routing::EndpointRef endpoint;
    Listing listing;
  };
  void publish();
  void begin_to_end();
  void forget_released();
  [[nodiscard]] routing::AppRoutes routes_of(const routing::AppRoutes& before);
  void take_targets(const routing::AppRoutes& before, const succession::Routes::App& now,
                    routing::AppRoutes& into);
  [[nodiscard]] const routing::EndpointRef& endpoint_of(base::AppId app,
                                                        const succession::Routes::Target& target);
  [[nodiscard]] bool entered() const;
  [[nodiscard]] std::uint64_t leases() const;
  [[nodiscard]] std::uint64_t sum(handoff::Tally routing::LedgerCell::* count) const;
  void out_of_time();

  Publisher& publisher_;
  Settings settings_;
  std::function<void()> changed_;
  routing::RouteTableRef before_;  // the last that this daemon made itself
  succession::Routes routes_;      // the newest; serial 0: none has come
  std::map<succession::InstanceName, Known> known_;
  std::shared_ptr<const succession::ClientChannel> clients_;  // null: it still accepts
  base::Epoch passing_since_;
  base::Epoch routes_since_;  // the table that follows routes_
  std::uint64_t cut_before_ = 0;
  std::uint64_t cut_forgotten_ = 0;
  bool told_to_end_ = false;
  bool ending_ = false;
  bool cutting_ = false;
  loop::Timer timer_;
  loop::Timer look_timer_;  // covers a lost ring
};

}  // namespace gracevisor::supervise
