// The ports of the daemon's range: each is leased to one incarnation after a test that it is free, the least
// recently freed first. A port returns only when its process group is gone, its endpoint is quiescent and no
// probe is out (the caller's duty). Thread: the supervisor's.
#pragma once

#include <deque>
#include <set>

#include "base/error.h"
#include "base/strong.h"
#include "config/config.h"

namespace gracevisor::supervise {

class PortLeases {
 public:
  // Begins at a random place in the range: two daemons with the same range would otherwise try the same ports
  // at the same time.
  explicit PortLeases(config::PortRange range);
  // Begins with the port at `begin`, counted from the first one and wrapping around.
  PortLeases(config::PortRange range, std::size_t begin);

  // A free port: tested with SO_REUSEADDR + bind + listen + close on 127.0.0.1, and with a bind to the
  // wildcard address, which an app may choose. The error says how many are leased and how many are held by
  // other processes; or why none could be tested, with errno's value as its code.
  [[nodiscard]] base::Expected<base::Port> lease();
  // One that an incarnation of a former daemon has. False: it is leased.
  [[nodiscard]] bool lease_again(base::Port port);
  // Requires: `port` is leased.
  void give_back(base::Port port);
  [[nodiscard]] std::size_t leased() const noexcept { return leased_.size(); }

 private:
  config::PortRange range_;
  std::deque<base::Port> free_;  // least recently freed first
  std::set<base::Port> leased_;
};

}  // namespace gracevisor::supervise
