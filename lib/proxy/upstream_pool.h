// The idle connections of one endpoint on one worker: most recently used first, so that those which are not
// needed grow old and close; bounded in number, in age (less than the app allows, so that we close first)
// and in requests. Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "proxy/upstream.h"

namespace gracevisor::proxy {

class UpstreamPool {
 public:
  static constexpr std::size_t kMaxIdle = 512;
  struct Limits {
    base::Duration age;     // when idle
    unsigned requests = 0;  // per connection; 0: any number
  };

  UpstreamPool(loop::Loop& loop, loop::Deadlines& deadlines) noexcept : loop_(loop), deadlines_(deadlines) {}

  // The one that became idle last, now observed by `user`; null when there is none.
  [[nodiscard]] std::unique_ptr<Upstream> take(loop::StreamObserver& user) noexcept;
  // Requires: nothing is queued on it, and its reads are armed. Closes it when the pool is full or the limits
  // (and what the app said of its own) leave it no time.
  void put(std::unique_ptr<Upstream> upstream, const Limits& limits);
  // Closes all; their descriptors are closed on return.
  void clear() noexcept { idle_.clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return idle_.size(); }

 private:
  friend class Upstream;
  // Closes one from its own callback.
  void evict(Upstream& upstream);

  loop::Loop& loop_;
  loop::Deadlines& deadlines_;
  std::vector<std::unique_ptr<Upstream>> idle_;  // oldest first
};

}  // namespace gracevisor::proxy
