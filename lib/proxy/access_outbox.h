// A worker's access logs on their way out: lines are collected per file and handed to the writer thread in
// batches, each when it is full or when a moment has passed since its first line. A request therefore costs
// no lock, no read-modify-write and no system call, and the writer is woken a few times a second, however
// busy the worker is.
//
//   add() --line--> open batch --64 kB, or 20 ms--> lane --> writer thread
//                                \--the lane refuses--> dropped: counted, and reported before a later batch
//
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "loop/timer.h"
#include "proxy/access_log.h"
#include "routing/access_lane.h"

namespace gracevisor::proxy {

class AccessOutbox {
 public:
  static constexpr std::size_t kBatch = 65536;  // bytes of text; the line that reaches it is the last one
  static constexpr base::Duration kDelay = base::Millis(20);

  // `ring_writer`, which may be empty, is called after something has been put into the lane.
  AccessOutbox(loop::Loop& loop, routing::AccessLane& lane, std::function<void()> ring_writer);
  AccessOutbox(const AccessOutbox&) = delete;
  AccessOutbox& operator=(const AccessOutbox&) = delete;
  // Hands over what is left.
  ~AccessOutbox();

  void add(const routing::AccessSink& sink, const AccessRecord& record);

 private:
  struct Open {
    routing::AccessBatch batch;
    std::uint64_t lines = 0;
  };
  [[nodiscard]] Open& open_batch(const routing::AccessSink& sink);
  // False when the batch stays, holding only its count of dropped lines.
  [[nodiscard]] bool hand_over(Open& open);
  void hand_over_all();

  routing::AccessLane& lane_;
  std::function<void()> ring_writer_;
  std::vector<Open> open_;        // one per file that has lines now: few
  std::uint64_t sent_bytes_ = 0;  // since the beginning
  loop::Timer due_;
};

}  // namespace gracevisor::proxy
