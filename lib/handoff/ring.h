// A bounded queue between one writing and one reading thread: log lines and disk work on their way to the
// writer thread, connections on their way between workers. A full ring refuses an item; the caller then keeps
// it, or drops it and counts the loss.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace gracevisor::handoff {

template <class T>
class Ring {
 public:
  // Holds up to `capacity` items; capacity >= 1.
  explicit Ring(std::size_t capacity) : slots_(capacity + 1) {}

  // Writing thread only. Returns false and leaves `item` untouched when the ring is full.
  [[nodiscard]] bool push(T&& item) {
    // relaxed: this thread alone writes tail_. acquire: the reader emptied the slot before it moved head_.
    std::size_t tail = tail_.load(std::memory_order_relaxed);
    std::size_t after = next(tail);
    if (after == head_.load(std::memory_order_acquire)) return false;
    slots_[tail] = std::move(item);
    tail_.store(after, std::memory_order_release);
    return true;
  }

  // Reading thread only.
  [[nodiscard]] std::optional<T> pop() {
    std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> item(std::exchange(slots_[head], T{}));
    head_.store(next(head), std::memory_order_release);
    return item;
  }

 private:
  [[nodiscard]] std::size_t next(std::size_t index) const noexcept {
    return index + 1 == slots_.size() ? 0 : index + 1;
  }

  std::vector<T> slots_;
  alignas(64) std::atomic<std::size_t> head_{0};  // written by the reader
  alignas(64) std::atomic<std::size_t> tail_{0};  // written by the writer
};

}  // namespace gracevisor::handoff
