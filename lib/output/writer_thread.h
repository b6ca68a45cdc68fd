// The writer's own thread and the rings that lead to it and back.
//
//   supervisor --lines ring, orders ring, ring--> thread --answers ring, ring--> supervisor
//   supervisor --readings--> thread --what they found, ring--> supervisor
//   supervisor --what holds for old files--> thread --what is to be compressed, ring--> supervisor
//   each worker --a lane of filled batches, ring--> thread --emptied batches--> the worker
//                                                     \--those for standard error--> its thread
//
// Lines, orders and lanes have rings of their own, so that a flood of lines neither crowds out nor delays an
// order: the orders are checked between any two rounds of batches (a round is one batch from each ring).
// Readings of logs take one slice in each turn of the loop, so they and the writing share the disk. The
// supervisor keeps at most kOrders orders unanswered, so neither the orders ring nor the answers ring can be
// full. Threads: the public functions are the supervisor's, except wake(), which any thread may call; what
// the thread runs is private.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "handoff/ring.h"
#include "handoff/tally.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/wakeup.h"
#include "output/line_ring.h"
#include "output/log_files.h"
#include "output/log_keeper.h"
#include "output/log_reads.h"
#include "output/reserve.h"
#include "output/stderr_thread.h"
#include "output/troubles.h"
#include "output/writer.h"
#include "routing/access_lane.h"

namespace gracevisor::output {

// Replace the file at `path`; an empty path means: reopen all log files.
struct Order {
  std::uint64_t id = 0;
  std::filesystem::path path;
  std::string content;
};

struct Answer {
  std::uint64_t id = 0;
  base::Expected<void> result;
};

class WriterThread {
 public:
  static constexpr std::size_t kOrders = 256;
  static constexpr std::size_t kUpkeeps = 64;

  // Rings `answered` after it wrote answers, or lines if requested; that wake-up, `standard_error` and the
  // lanes must outlive the thread.
  [[nodiscard]] static base::Expected<std::unique_ptr<WriterThread>> start(loop::Wakeup& answered,
                                                                           StderrThread& standard_error,
                                                                           WriterSettings settings);
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;
  // Does what is queued, then joins.
  ~WriterThread();

  [[nodiscard]] LineRing& ring() noexcept { return lines_; }
  [[nodiscard]] ReadLane& readings() noexcept { return readings_; }
  // False, and the argument untouched, when the ring is full.
  [[nodiscard]] bool push(Order&& order);
  void wake() noexcept { work_->ring(); }
  [[nodiscard]] std::optional<Answer> pop_answer() { return answers_.pop(); }
  [[nodiscard]] std::optional<Trouble> pop_trouble() { return troubles_.take(); }
  // See Writer::keep. False, and the argument untouched: there are too many at once.
  [[nodiscard]] bool push(LogUpkeep&& upkeep);
  // Requires that a compression was popped; `trouble` is empty if all went well.
  void compressed(std::string trouble);
  [[nodiscard]] std::optional<Compression> pop_compression() { return compressions_.pop(); }
  // See Writer::tend_old_files.
  void tend_old_files(bool tend) noexcept;
  // Lines that were dropped because a file could not be written.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.read(); }

  // Does what is queued and ends the thread; afterwards do_now() works on the caller's thread. Idempotent.
  void finish();
  [[nodiscard]] base::Expected<void> do_now(const Order& order);
  void do_now(const Lines& lines);

 private:
  WriterThread(loop::Wakeup& answered, StderrThread& standard_error, WriterSettings settings)
      : answered_(answered), standard_error_(standard_error), settings_(std::move(settings)) {}
  [[nodiscard]] LogWays ways(std::shared_ptr<const LogOpener> opener);
  void on_ring();
  void on_tick();
  [[nodiscard]] bool work();
  [[nodiscard]] bool work_on_lines();
  [[nodiscard]] bool work_on_lane(routing::AccessLane& lane);
  void work_on_orders();
  [[nodiscard]] bool work_on_readings();
  void work_on_upkeep();
  void tell_troubles();
  [[nodiscard]] base::Expected<void> replace(const Order& order);

  loop::Wakeup& answered_;
  StderrThread& standard_error_;
  WriterSettings settings_;
  LineRing lines_;
  handoff::Ring<Order> orders_{kOrders};
  handoff::Ring<Answer> answers_{kOrders};
  Troubles troubles_;
  ReadLane readings_;
  handoff::Ring<LogUpkeep> upkeeps_{kUpkeeps};
  // One is under way at a time.
  handoff::Ring<Compression> compressions_{1};
  handoff::Ring<std::string> compressed_{1};
  handoff::Tally untended_;  // written by the supervisor: 1 while another daemon tends old files
  handoff::Tally lost_;      // written by the thread
  handoff::Tally finish_;    // written by the supervisor: 1 after its last push
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<LogKeeper> keeper_;
  std::unique_ptr<LogFiles> files_;
  std::unique_ptr<LogReaders> readers_;
  std::unique_ptr<Reserve> reserve_;
  std::unique_ptr<loop::Wakeup> work_;
  std::unique_ptr<loop::Timer> tick_;
  std::thread thread_;
};

}  // namespace gracevisor::output
