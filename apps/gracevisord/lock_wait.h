// A start that finds the lock of its folder held. Another daemon that serves is a reason to give up. One
// whose keeper has died is not: it can start nothing any more, so it finishes what is under way, ends its
// apps and itself, and this start waits for that. Thread: the start-up's, which it blocks.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/clock.h"
#include "base/error.h"

namespace gracevisor::daemon {

class LockWait {
 public:
  // At most this long, from the first refusal on and for all locks together.
  explicit LockWait(base::Duration longest) : longest_(longest) {}

  // Calls `take` until it has the lock in `file`, or must not wait for it any longer. `take` must itself wait
  // a moment before it says EWOULDBLOCK.
  template <class Take>
  [[nodiscard]] auto until_taken(const std::filesystem::path& file, Take take) -> decltype(take()) {
    auto lock = take();
    while (!lock && worth_waiting(file, lock.error())) lock = take();
    return lock;
  }

 private:
  [[nodiscard]] bool worth_waiting(const std::filesystem::path& file, const base::Error& refusal);

  base::Duration longest_;
  std::optional<base::TimePoint> until_;  // while it waits
  pid_t holder_ = 0;                      // who is waited for
};

// Is this a living daemon whose parent is no keeper any more? Not if the parent cannot be seen.
[[nodiscard]] bool has_lost_its_keeper(pid_t daemon);

}  // namespace gracevisor::daemon
