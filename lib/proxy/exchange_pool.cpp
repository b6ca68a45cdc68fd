#include "proxy/exchange_pool.h"

#include <algorithm>
#include <utility>

#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {
constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHotExchange = 896;  // what every request touches
// Always kept, for clients that come and go.
constexpr std::size_t kLeast = 64;
}  // namespace

std::unique_ptr<Exchange> ExchangePool::take() {
  if (resting_.empty()) return std::make_unique<Exchange>(kit_);
  std::unique_ptr<Exchange> exchange = std::move(resting_.back());
  resting_.pop_back();
  return exchange;
}

void ExchangePool::expect() const noexcept {
  if (resting_.empty()) return;
  const auto* place = reinterpret_cast<const char*>(resting_.back().get());
  for (std::size_t at = 0; at < kHotExchange; at += kCacheLine) __builtin_prefetch(place + at, 1);
}

void ExchangePool::put(std::unique_ptr<Exchange> exchange) {
  if (resting_.size() < most_) {
    resting_.push_back(std::move(exchange));
  } else {
    kit_.loop.retire(std::move(exchange));
  }
}

void ExchangePool::follow(std::size_t clients) {
  most_ = std::max(kLeast, clients);
  if (resting_.size() <= most_) return;
  kit_.loop.retire(std::move(resting_.back()));
  resting_.pop_back();
}

}  // namespace gracevisor::proxy
