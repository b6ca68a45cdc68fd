// A level that several threads raise and lower. Each step is a read-modify-write: use it for events that
// happen at most once per connection, never per request (see Tally for that).
#pragma once

#include <atomic>
#include <cstdint>

namespace gracevisor::handoff {

class Gauge {
 public:
  explicit Gauge(std::uint64_t level = 0) noexcept : cell_(level) {}

  // Any thread. relaxed: the level is only compared; it publishes nothing else.
  void raise(std::uint64_t by = 1) noexcept { cell_.fetch_add(by, std::memory_order_relaxed); }
  void lower(std::uint64_t by = 1) noexcept { cell_.fetch_sub(by, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t read() const noexcept { return cell_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> cell_;
};

}  // namespace gracevisor::handoff
