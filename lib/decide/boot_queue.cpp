#include "decide/boot_queue.h"

#include <algorithm>

namespace gracevisor::decide {

void BootQueue::run_slice(const std::function<base::TimePoint()>& now,
                          const std::function<void(base::AppId)>& start) {
  const base::TimePoint began = now();
  base::Duration slice = last_end_ ? kShare * (began - *last_end_) : kShortest;
  const base::TimePoint end = began + std::clamp(slice, kShortest, kLongest);
  while (!waiting_.empty()) {
    base::AppId next = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    start(next);
    last_end_ = now();
    if (*last_end_ >= end) return;
  }
}

}  // namespace gracevisor::decide
