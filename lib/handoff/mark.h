// A thread's progress: a number that only that thread writes, and only raises; it is stored with release
// after the work that it announces. Used for each worker's adopted, entered and oldest pinned epochs.
#pragma once

#include <atomic>

#include "base/strong.h"

namespace gracevisor::handoff {

class Mark {
 public:
  // Writer thread only. release: what was done before the mark is visible to every thread that sees the mark.
  void reach(base::Epoch epoch) noexcept { cell_.store(epoch.value(), std::memory_order_release); }

  // Any thread. acquire: pairs with reach().
  [[nodiscard]] base::Epoch read() const noexcept {
    return base::Epoch(cell_.load(std::memory_order_acquire));
  }

 private:
  std::atomic<std::uint64_t> cell_{0};
};

}  // namespace gracevisor::handoff
