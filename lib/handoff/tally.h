// A count that one thread writes and others read: plain load and store, no read-modify-write, so the request
// path pays nothing for being observed.
#pragma once

#include <atomic>
#include <cstdint>

namespace gracevisor::handoff {

class Tally {
 public:
  // Writer thread only. release: a thread that reads the new count sees everything that happened before it,
  // such as the descriptor being closed before the lease ended.
  void add(std::uint64_t n = 1) noexcept {
    cell_.store(cell_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  void subtract(std::uint64_t n = 1) noexcept {
    cell_.store(cell_.load(std::memory_order_relaxed) - n, std::memory_order_release);
  }
  void set(std::uint64_t n) noexcept { cell_.store(n, std::memory_order_release); }

  // Any thread.
  [[nodiscard]] std::uint64_t read() const noexcept { return cell_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> cell_{0};
};

}  // namespace gracevisor::handoff
