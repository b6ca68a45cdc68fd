// A mailbox for one letter: the newest wins, and a letter not yet fetched is dropped. It carries state across
// threads, never events, so coalesced or lost wake-ups are harmless and nothing can overflow.
// Threads: any number may put, one takes.
#pragma once

#include <atomic>
#include <memory>

namespace gracevisor::handoff {

template <class T>
class Latest {
 public:
  Latest() = default;
  Latest(const Latest&) = delete;
  Latest& operator=(const Latest&) = delete;
  // acquire: the destroyed letter was built by another thread.
  ~Latest() { delete cell_.load(std::memory_order_acquire); }

  // Called by the sender. seq_cst: the put is ordered before the sender's later reads of Marks and Tallies,
  // and the exchange acquires the dropped letter while releasing the new one.
  void put(std::unique_ptr<T> letter) noexcept {
    delete cell_.exchange(letter.release(), std::memory_order_seq_cst);
  }

  // Called by the receiver; null if nothing new came. acquire pairs with put's release.
  [[nodiscard]] std::unique_ptr<T> take() noexcept {
    return std::unique_ptr<T>(cell_.exchange(nullptr, std::memory_order_acquire));
  }

 private:
  std::atomic<T*> cell_{nullptr};
};

}  // namespace gracevisor::handoff
