// All connections of one worker to instances: dials them, counts the open ones, and keeps the idle ones in
// the order in which they became idle. Half of the descriptors are for clients and half for instances, so
// that within this bound each client finds one for its request. Idle connections give way, the oldest first,
// when the bound is reached and when the kernel has no descriptor left. Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>

#include "proxy/upstream.h"

namespace gracevisor::proxy {

class Upstreams {
 public:
  // `most` may be open; more only if none is idle.
  Upstreams(loop::Loop& loop, loop::Deadlines& deadlines, std::size_t most) noexcept
      : loop_(loop), deadlines_(deadlines), most_(most) {}
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;
  // Requires: all are closed.
  ~Upstreams();

  // Sets `most`; open connections stay open.
  void allow(std::size_t most) noexcept { most_ = most; }
  // Begins to connect; `user` is told of the outcome. After an error no callback follows.
  [[nodiscard]] base::Expected<std::unique_ptr<Upstream>> dial(const base::Address& address,
                                                               loop::StreamObserver& user);

  // Closes the connection that has been idle longest: a descriptor is needed. False when none is idle.
  [[nodiscard]] bool give_up_idle() { return give_up_oldest(); }

  [[nodiscard]] std::size_t open() const noexcept { return open_; }

 private:
  friend class Upstream;
  friend class UpstreamPool;
  // False when none is idle.
  bool give_up_oldest();

  loop::Loop& loop_;
  loop::Deadlines& deadlines_;
  std::size_t most_;
  std::size_t open_ = 0;
  IdleRank<Upstream> idle_{nullptr};  // the anchor of the idle connections of all pools
};

}  // namespace gracevisor::proxy
