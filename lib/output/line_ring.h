// Carries lines from one thread to another that writes them: a ring of batches, how many of its bytes were
// written, and whether the filling thread waits for room. Threads: as stated at each function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "handoff/ring.h"
#include "handoff/tally.h"
#include "output/lines.h"

namespace gracevisor::output {

class LineRing {
 public:
  // A full ring loses nothing: the next batches only become larger. The bound is on their bytes.
  static constexpr std::size_t kBatches = 1024;

  // Filling thread. False, and the argument untouched, when the ring is full.
  [[nodiscard]] bool push(Lines&& lines) { return ring_.push(std::move(lines)); }
  // Filling thread: asks to be woken when the writing thread has written something.
  void want_news(bool wanted) noexcept { wanted_.set(wanted ? 1 : 0); }
  // Filling thread. Bytes of text that were written or given up.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_.read(); }

  // Writing thread.
  [[nodiscard]] std::optional<Lines> pop() { return ring_.pop(); }
  void wrote(std::size_t bytes) noexcept { written_.add(bytes); }
  [[nodiscard]] bool news_wanted() const noexcept { return wanted_.read() != 0; }

 private:
  handoff::Ring<Lines> ring_{kBatches};
  handoff::Tally written_;
  handoff::Tally wanted_;
};

}  // namespace gracevisor::output
