// The idle connections of one endpoint on one worker: most recently used first, so that those not needed grow
// old and close. Bounded in age (less than the app allows, so that we close first), in requests, and in
// number: never more than were in use at the same time since the pool was last empty. A request that finds
// the pool empty dials, so all of those were needed. A request that may not use the pool dials even while
// connections are idle, and must not fill the pool. Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>

#include "proxy/upstreams.h"

namespace gracevisor::proxy {

class UpstreamPool {
 public:
  struct Limits {
    base::Duration age;      // how long a connection may be idle
    unsigned requests = 0;   // per connection; 0: any number
    std::size_t in_use = 1;  // connections to the endpoint now, including the one put back
  };

  explicit UpstreamPool(Upstreams& all) noexcept : all_(all) {}
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  ~UpstreamPool() { clear(); }

  // The connection that became idle last, now observed by `user`; null when there is none.
  [[nodiscard]] std::unique_ptr<Upstream> take(loop::StreamObserver& user) noexcept;
  // Requires: nothing is queued on it. Closes it if the pool is full or cannot arm its reads, or if the
  // limits or the keep-alive time that the app announced allow no further request on it.
  void put(std::unique_ptr<Upstream> upstream, const Limits& limits);
  // Closes all; their descriptors are closed on return.
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  friend class Upstream;
  friend class Upstreams;
  [[nodiscard]] std::unique_ptr<Upstream> remove(Upstream& upstream) noexcept;
  // Closes one connection; may be called from its own callback.
  void evict(Upstream& upstream);

  Upstreams& all_;
  IdleRank<Upstream> idle_{nullptr};  // the anchor; the pool owns what is ranked here
  std::size_t size_ = 0;
  std::size_t most_in_use_ = 0;  // at the same time, since the pool was last empty
};

}  // namespace gracevisor::proxy
