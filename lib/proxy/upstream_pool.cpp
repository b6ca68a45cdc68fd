#include "proxy/upstream_pool.h"

#include <algorithm>
#include <cassert>

namespace gracevisor::proxy {
namespace {
// Allows for the difference between the app's clock and ours, and for a request on its way.
constexpr base::Duration kMargin = std::chrono::seconds(1);
}  // namespace

std::unique_ptr<Upstream> UpstreamPool::remove(Upstream& upstream) noexcept {
  upstream.in_pool_.leave();
  upstream.in_all_.leave();
  upstream.idle_.cancel();
  upstream.pool_ = nullptr;
  --size_;
  return std::unique_ptr<Upstream>(&upstream);
}

std::unique_ptr<Upstream> UpstreamPool::take(loop::StreamObserver& user) noexcept {
  if (size_ == 0) return nullptr;
  std::unique_ptr<Upstream> upstream = remove(*idle_.newest());
  upstream->stream_.observe_with(user);
  return upstream;
}

void UpstreamPool::put(std::unique_ptr<Upstream> upstream, const Limits& limits) {
  assert(upstream->stream_.queued() == 0);
  base::Duration age = limits.age;
  if (upstream->keep_alive_) {
    age = std::min<base::Duration>(age, std::chrono::seconds(*upstream->keep_alive_) - kMargin);
  }
  most_in_use_ = std::max(size_ == 0 ? 0 : most_in_use_, limits.in_use);
  bool worn = limits.requests > 0 && ++upstream->served_ >= limits.requests;
  if (worn || age <= base::Duration::zero() || size_ >= most_in_use_) return;
  if (!upstream->stream_.start_reading()) return;
  upstream->reused_ = true;
  upstream->pool_ = this;
  upstream->stream_.observe_with(*upstream);
  all_.deadlines_.start(upstream->idle_, age);
  upstream->in_pool_.enter(idle_);
  upstream->in_all_.enter(all_.idle_);
  ++size_;
  (void)upstream.release();  // owned by its rank now
}

void UpstreamPool::evict(Upstream& upstream) {
  std::unique_ptr<Upstream> gone = remove(upstream);
  gone->close();
  all_.loop_.retire(std::move(gone));
}

void UpstreamPool::clear() noexcept {
  while (size_ > 0) remove(*idle_.newest()).reset();
}

}  // namespace gracevisor::proxy
