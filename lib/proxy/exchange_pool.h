// Exchanges that serve no client now, kept so that the steady state allocates nothing. Thread: the worker's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "proxy/exchange.h"

namespace gracevisor::proxy {

class ExchangePool {
 public:
  explicit ExchangePool(Kit& kit) noexcept : kit_(kit) {}
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;
  ~ExchangePool() = default;

  [[nodiscard]] std::unique_ptr<Exchange> take();
  // One may be needed soon: prefetches it into the CPU's cache meanwhile.
  void expect() const noexcept;
  // If the pool is full, the exchange is freed after the turn: its callbacks may still be on the stack.
  void put(std::unique_ptr<Exchange> exchange);
  // This many clients are connected, and all of them may begin an exchange at the same time: the pool keeps
  // as many, but at least 64. Gives one up if there are more.
  void follow(std::size_t clients);

 private:
  Kit& kit_;
  std::size_t most_ = 0;
  std::vector<std::unique_ptr<Exchange>> resting_;
};

}  // namespace gracevisor::proxy
