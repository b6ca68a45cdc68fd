// The writer's own thread and the rings that lead to it and back.
//
//   supervisor --lines ring, orders ring, ring--> thread --answers ring, ring--> supervisor
//   each worker --a lane of filled batches, ring--> thread --emptied batches--> the worker
//
// Lines, orders and lanes have rings of their own, so that a flood of lines neither crowds out nor delays an
// order: between any two rounds of batches, one from each, the orders are looked at. The supervisor keeps at
// most kOrders orders unanswered, hence neither the orders ring nor the answers ring can be full. Threads:
// the public functions are the supervisor's, wake() is anyone's; what the thread runs is private.
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
#include "output/log_files.h"
#include "output/writer.h"
#include "routing/access_lane.h"

namespace gracevisor::output {

struct Lines {
  FilePolicy policy;
  std::string text;
  Dropped before;  // in front of `text`
};

// Replace the file at `path`; an empty path means: open all log files anew.
struct Order {
  std::uint64_t id = 0;
  std::filesystem::path path;
  std::string content;
};

struct Answer {
  std::uint64_t id = 0;
  base::Expected<void> result;
};

// A file that cannot be written, and why; or that can be again (no cause).
struct Trouble {
  std::string path;
  std::string cause;
};

class WriterThread {
 public:
  static constexpr std::size_t kBatches = 4096;
  static constexpr std::size_t kOrders = 256;
  static constexpr std::size_t kTroubles = 64;  // what is told beyond is lost: it is for the log alone

  // Rings `answered` after it wrote answers; that wake-up outlives the thread, and so do the lanes.
  [[nodiscard]] static base::Expected<std::unique_ptr<WriterThread>> start(
      loop::Wakeup& answered, std::vector<routing::AccessLane*> lanes,
      std::shared_ptr<const LogOpener> opener = nullptr);
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;
  // Does what is queued, then joins.
  ~WriterThread();

  // False, and the argument untouched, when the ring is full.
  [[nodiscard]] bool push(Lines&& lines);
  [[nodiscard]] bool push(Order&& order);
  void wake() noexcept { work_->ring(); }
  [[nodiscard]] std::optional<Answer> pop_answer() { return answers_.pop(); }
  [[nodiscard]] std::optional<Trouble> pop_trouble() { return troubles_.pop(); }
  // Bytes of lines that left the ring.
  [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_.read(); }
  // Lines that were dropped because a file could not be written.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.read(); }

  // Does what is queued and ends the thread; afterwards do_now() works on the caller's thread. Idempotent.
  void finish();
  [[nodiscard]] base::Expected<void> do_now(const Order& order);
  void do_now(const Lines& lines);

 private:
  WriterThread(loop::Wakeup& answered, std::vector<routing::AccessLane*> lanes)
      : answered_(answered), lanes_(std::move(lanes)) {}
  [[nodiscard]] LogWays ways(std::shared_ptr<const LogOpener> opener);
  void on_ring();
  void on_tick();
  [[nodiscard]] bool work();
  [[nodiscard]] bool work_on_lines();
  [[nodiscard]] bool work_on_lane(routing::AccessLane& lane);
  void work_on_orders();

  loop::Wakeup& answered_;
  std::vector<routing::AccessLane*> lanes_;
  handoff::Ring<Lines> lines_{kBatches};
  handoff::Ring<Order> orders_{kOrders};
  handoff::Ring<Answer> answers_{kOrders};
  handoff::Ring<Trouble> troubles_{kTroubles};
  handoff::Tally consumed_;  // written by the thread
  handoff::Tally lost_;      // written by the thread
  handoff::Tally finish_;    // written by the supervisor: 1 after its last push
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<LogFiles> files_;
  std::unique_ptr<loop::Wakeup> work_;
  std::unique_ptr<loop::Timer> tick_;
  std::thread thread_;
};

}  // namespace gracevisor::output
