// The supervisor's lines on their way to one thread that writes them, batched per file and bounded in bytes.
//
//   append() --> the file's open batch --64 KiB, or the end of the loop's turn--> ring --> the thread
//
// Callers that can wait ask takes() first (output/intake.h). What cannot wait, such as the last output of a
// process that is gone, is accepted beyond that, up to kMost bytes in all; what is dropped is counted and
// noted in the file where it is missing. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loop/loop.h"
#include "loop/timer.h"
#include "output/intake.h"
#include "output/line_ring.h"

namespace gracevisor::output {

class LineQueue {
 public:
  static constexpr std::size_t kBatch = 64UL << 10;
  static constexpr std::uint64_t kMost = 64ULL << 20;  // bytes on their way, as a hard limit

  // `wake` wakes the thread; `on_room` runs, never inside a call, when takes() may have become true.
  LineQueue(loop::Loop& loop, LineRing& ring, std::function<void()> wake, std::function<void()> on_room);
  LineQueue(const LineQueue&) = delete;
  LineQueue& operator=(const LineQueue&) = delete;
  ~LineQueue() = default;

  // May more be read for this file? False: its pipes are to be left unread until on_room.
  [[nodiscard]] bool takes(const FilePolicy& policy) const noexcept;
  // See Writer::append.
  void append(const FilePolicy& policy, std::string_view text, Source source);
  // Moves what append() has accepted to the ring, if there is room.
  void hand_over();
  // The thread rang: it has written something.
  void look();
  // Has all been dealt with?
  [[nodiscard]] bool empty() const noexcept { return open_.empty() && queued() == 0; }
  // What is not yet in the ring, once the thread has ended.
  [[nodiscard]] std::vector<Lines> take_rest();
  [[nodiscard]] std::uint64_t dropped_lines() const noexcept { return dropped_lines_; }

 private:
  struct Open {
    Lines lines;
    Dropped behind;  // missing after `lines`
  };

  [[nodiscard]] std::uint64_t queued() const noexcept { return open_bytes_ + sent_bytes_ - ring_.written(); }
  Intake::State look_at_intake();
  [[nodiscard]] bool hand_over(Open& open);
  void add(Open& open, std::string_view text, Source source);
  void drop(const FilePolicy& policy, std::string_view text);

  loop::Loop& loop_;
  LineRing& ring_;
  std::function<void()> wake_;
  std::function<void()> on_room_;
  Intake intake_;
  Intake::State told_ = Intake::State::open;  // the state that waiting callers were told
  std::map<std::string, Open> open_;          // by FilePolicy::key()
  std::uint64_t open_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;  // since the beginning
  std::uint64_t dropped_lines_ = 0;
  loop::Timer turn_;    // hands over what has come
  loop::Timer looker_;  // runs while `intake_` is not open, in case a wake-up is lost, and to notice a stall
};

}  // namespace gracevisor::output
