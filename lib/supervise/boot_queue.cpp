#include "supervise/boot_queue.h"

namespace gracevisor::supervise {

void BootQueue::run_slice(const std::function<base::TimePoint()>& now,
                          const std::function<void(base::AppId)>& start) {
  const base::TimePoint end = now() + kSlice;
  while (!waiting_.empty()) {
    base::AppId next = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    start(next);
    if (now() >= end) return;
  }
}

}  // namespace gracevisor::supervise
