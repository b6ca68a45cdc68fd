#include "proxy/upstream_pool.h"

#include <algorithm>
#include <cassert>

namespace gracevisor::proxy {
namespace {
// What the app's clock and ours, and a request on its way, may differ by.
constexpr base::Duration kMargin = std::chrono::seconds(1);
}  // namespace

std::unique_ptr<Upstream> UpstreamPool::take(loop::StreamObserver& user) noexcept {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Upstream> upstream = std::move(idle_.back());
  idle_.pop_back();
  upstream->idle_.cancel();
  upstream->pool_ = nullptr;
  upstream->stream_->observe_with(user);
  return upstream;
}

void UpstreamPool::put(std::unique_ptr<Upstream> upstream, const Limits& limits) {
  assert(upstream->stream_->queued() == 0);
  base::Duration age = limits.age;
  if (upstream->keep_alive_) {
    age = std::min<base::Duration>(age, std::chrono::seconds(*upstream->keep_alive_) - kMargin);
  }
  bool worn = limits.requests > 0 && ++upstream->served_ >= limits.requests;
  if (worn || age <= base::Duration::zero() || idle_.size() >= kMaxIdle) return;
  if (!upstream->stream_->start_reading()) return;
  upstream->reused_ = true;
  upstream->pool_ = this;
  upstream->stream_->observe_with(*upstream);
  deadlines_.start(upstream->idle_, age);
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
