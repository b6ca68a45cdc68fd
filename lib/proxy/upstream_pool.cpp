#include "proxy/upstream_pool.h"

#include <algorithm>
#include <cassert>

namespace gracevisor::proxy {

std::unique_ptr<Upstream> UpstreamPool::take(loop::StreamObserver& user) noexcept {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Upstream> upstream = std::move(idle_.back());
  idle_.pop_back();
  upstream->idle_.cancel();
  upstream->pool_ = nullptr;
  upstream->stream_->observe_with(user);
  return upstream;
}

void UpstreamPool::put(std::unique_ptr<Upstream> upstream) {
  assert(upstream->stream_->queued() == 0);
  if (idle_.size() >= kMaxIdle || !upstream->stream_->start_reading()) return;
  upstream->reused_ = true;
  upstream->pool_ = this;
  upstream->stream_->observe_with(*upstream);
  deadlines_.start(upstream->idle_, kMaxAge);
  idle_.push_back(std::move(upstream));
}

void UpstreamPool::evict(Upstream& upstream) {
  auto it =
      std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) { return idle.get() == &upstream; });
  assert(it != idle_.end());
  std::unique_ptr<Upstream> gone = std::move(*it);
  idle_.erase(it);
  gone->idle_.cancel();
  gone->stream_.reset();
  loop_.retire(std::move(gone));
}

}  // namespace gracevisor::proxy
