// The daemon before this one, as long as it has clients: what it is told of the routes, and what it may still
// touch. No endpoint that it may touch is quiescent (Publisher::also_used), so that no instance is signalled
// under a request of its, but at a drain's end, and no address is given to another instance.
//
// A predecessor that cannot be talked to, because it was the predecessor of a daemon that died, may touch
// everything that was there before until it ends. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "routing/route_table.h"
#include "succession/messages.h"

namespace gracevisor::supervise {

class Predecessor {
 public:
  // `send`: newest wins; false: not now, ask again. Null: it cannot be talked to.
  using Send = std::function<bool(const succession::Routes&)>;
  explicit Predecessor(Send send) : send_(std::move(send)) {}
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;
  ~Predecessor() = default;

  // What was there when it was superseded.
  void had(const std::string& app, const routing::Identity& who);
  // This table is in force.
  void follow(const routing::RouteTable& table, base::TimePoint now);
  // Sends what could not be sent before, and again what it has not followed for a second: a message is lost
  // if its reader has no descriptor left. To be called often.
  void send(base::TimePoint now);
  void on(const succession::InUse& use);

  // Where its clients come from; null: not known yet.
  void set_clients(std::shared_ptr<const succession::ClientChannel> clients) {
    clients_ = std::move(clients);
  }
  [[nodiscard]] const std::shared_ptr<const succession::ClientChannel>& clients() const { return clients_; }

  [[nodiscard]] bool may_touch(const routing::Identity& who) const { return touched_.contains(who); }
  [[nodiscard]] const succession::InUse& use() const { return use_; }

 private:
  struct Touched {
    succession::InstanceName name;
    std::uint64_t listed = 0;  // the serial of the last routes that had it as a target
  };

  Send send_;
  std::shared_ptr<const succession::ClientChannel> clients_;
  std::map<routing::Identity, Touched> touched_;
  succession::Routes routes_;
  bool unsent_ = false;
  base::TimePoint sent_at_{};
  succession::InUse use_;
};

// How it is told to a predecessor.
[[nodiscard]] succession::Routes routes_of(const routing::RouteTable& table, std::uint64_t serial);

}  // namespace gracevisor::supervise
