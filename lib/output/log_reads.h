// Readings of logs (log_read.h), on their way from the supervisor to the writer thread and back.
//
//   LogReads (supervisor) --orders, cancellations--> LogReaders (writer thread) --answers--> LogReads
//
// At most kAtOnce are under way; others wait their turn. The writer thread takes one slice of one of them in
// turn, between batches of lines that it writes. Threads: as stated at each class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "handoff/ring.h"
#include "handoff/tally.h"
#include "output/log_read.h"

namespace gracevisor::output {

struct ReadLane {
  static constexpr std::size_t kAtOnce = 4;
  struct Order {
    std::uint64_t id = 0;
    LogReading what;
  };
  struct Answer {
    std::uint64_t id = 0;
    LogRead found;
  };

  handoff::Ring<Order> orders{kAtOnce};
  handoff::Ring<Answer> answers{kAtOnce};
  // If it is full, a reading goes on for nothing.
  handoff::Ring<std::uint64_t> cancelled{kAtOnce};
  handoff::Tally steps;  // written by the writer thread: files opened and slices read
};

// The supervisor's half; its thread.
class LogReads {
 public:
  using Done = std::function<void(LogRead)>;

  // `wake` wakes the writer thread.
  LogReads(ReadLane& lane, std::function<void()> wake) : lane_(lane), wake_(std::move(wake)) {}

  // `done` runs in look(), never inside this call.
  [[nodiscard]] std::uint64_t begin(LogReading what, Done done);
  // `done` does not run any more.
  void cancel(std::uint64_t id);
  // The writer thread rang.
  void look();
  // Are answers outstanding?
  [[nodiscard]] bool busy() const noexcept { return !under_way_.empty(); }
  [[nodiscard]] std::uint64_t steps() const noexcept { return lane_.steps.read(); }

 private:
  void send();

  ReadLane& lane_;
  std::function<void()> wake_;
  std::uint64_t last_id_ = 0;
  std::deque<ReadLane::Order> waiting_;
  std::map<std::uint64_t, Done> done_;  // of those that are wanted, waiting ones too
  std::vector<std::uint64_t> under_way_;
};

// The writer thread's half; its thread.
class LogReaders {
 public:
  LogReaders(ReadLane& lane, std::shared_ptr<const LogOpener> opener)
      : lane_(lane), opener_(std::move(opener)) {}

  // One step of one reading. `answered` is set if an answer was sent. False: there is nothing to read.
  [[nodiscard]] bool step(bool& answered);
  // Is anything being read?
  [[nodiscard]] bool busy() const noexcept { return !readers_.empty(); }

 private:
  struct UnderWay {
    std::uint64_t id;
    LogReader reader;
  };
  // True: an answer was sent.
  [[nodiscard]] bool take_orders();

  ReadLane& lane_;
  std::shared_ptr<const LogOpener> opener_;
  std::deque<UnderWay> readers_;  // the next one's turn first
};

}  // namespace gracevisor::output
