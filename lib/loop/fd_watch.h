// Reports when a descriptor becomes readable or writable: pidfds, pipes, sockets that other code reads. The
// owner keeps the descriptor, which is made non-blocking and must outlive the watch. Thread: the loop's.
#pragma once

#include <functional>

#include "loop/loop.h"

namespace gracevisor::loop {

class FdWatch {
 public:
  enum class Interest { readable, writable };

  // `on_ready` repeats (level-triggered) until the descriptor is no longer ready or the watch is destroyed.
  [[nodiscard]] static base::Expected<std::unique_ptr<FdWatch>> create(Loop& loop, int fd, Interest interest,
                                                                       std::function<void()> on_ready);

  // Stops and starts the reports without giving up the watch.
  void pause();
  [[nodiscard]] base::Expected<void> resume();
  // From now on the watch alone keeps no loop running.
  void leave_loop_free();

 private:
  FdWatch(Interest interest, std::function<void()> on_ready)
      : interest_(interest), on_ready_(std::move(on_ready)) {}
  Interest interest_;
  std::function<void()> on_ready_;
  HandlePtr<uv_poll_s> poll_;
};

}  // namespace gracevisor::loop
