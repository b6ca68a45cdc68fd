#include "process/process_looker.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace gracevisor::process {
namespace {
// How long a slice blocks the loop, and how long the loop then runs undisturbed.
constexpr base::Duration kSlice = std::chrono::milliseconds(2);
constexpr base::Duration kPause = std::chrono::milliseconds(1);
}  // namespace

ProcessLook::ProcessLook(inspect::ProcessTable table, pid_t parent, std::set<pid_t> leaders)
    : table_(std::move(table)), parent_(parent), adopted_(table_.children_of(parent)) {
  std::erase_if(adopted_, [&](const auto* entry) { return !entry->lives() || leaders.contains(entry->pid); });
}

const inspect::MarksSeen& ProcessLook::marks_of(pid_t pid) const {
  auto known = marks_.find(pid);
  if (known == marks_.end()) known = marks_.emplace(pid, inspect::read_marks(pid)).first;
  return known->second;
}

ProcessLooker::ProcessLooker(loop::Loop& loop, pid_t parent)
    : parent_(parent), timer_(loop, [this] { work(); }) {}

void ProcessLooker::ask(LookAsker& asker) {
  waiting_.insert(&asker);
  if (!timer_.running()) timer_.start(kPause);
}

void ProcessLooker::forget(LookAsker& asker) {
  waiting_.erase(&asker);
  served_.erase(&asker);
}

void ProcessLooker::work() {
  auto end = std::chrono::steady_clock::now() + kSlice;
  if (!look_ && !scan_ && !waiting_.empty()) {
    served_ = std::exchange(waiting_, {});
    leaders_then_ = leaders_;
    scan_.emplace();
  }
  if (scan_ && scan_->step(kSlice)) {
    // A leader that was reaped meanwhile may still be in the table.
    leaders_then_.insert(leaders_.begin(), leaders_.end());
    leaders_then_.insert(::getpid());
    look_.emplace(scan_->take(), parent_, std::exchange(leaders_then_, {}));
    scan_.reset();
  }
  while (look_ && !served_.empty()) {
    LookAsker* asker = *served_.begin();
    served_.erase(served_.begin());
    asker->on_look(*look_);
    if (std::chrono::steady_clock::now() >= end) break;
  }
  if (served_.empty()) {
    look_.reset();
    scan_.reset();  // the askers have lost interest
  }
  if (!served_.empty() || !waiting_.empty()) timer_.start(kPause);
}

}  // namespace gracevisor::process
