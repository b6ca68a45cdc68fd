#include "output/log_history.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gracevisor::output {

bool LogHistory::is_later(const Run& a, const Run& b) {
  const base::WallTime first = a.oldest().order;
  const base::WallTime second = b.oldest().order;
  return second < first || (second == first && b.number < a.number);
}

void LogHistory::add(std::size_t source, std::vector<Part> parts, std::size_t lines) {
  waiting_.push_back({source, std::move(parts), lines});
}

bool LogHistory::step() {
  if (waiting_.empty()) return false;
  Waiting& first = waiting_.front();
  if (merging_) {
    if (merging_->step()) return true;
    made_.push_back({first.source, ++last_number_, merging_->take()});
    merging_.reset();
  } else if (first.merged < first.parts.size()) {
    Part& part = first.parts[first.merged++];
    merging_.emplace(std::move(part.file), std::move(part.kept));
  } else if (!trim(first.lines)) {
    end_source();
  }
  return true;
}

// Lets old lines go, a few at a time. False: no more than `lines` are left.
bool LogHistory::trim(std::size_t lines) {
  std::size_t left = std::accumulate(made_.begin(), made_.end(), std::size_t{0},
                                     [](std::size_t sum, const Run& run) { return sum + run.left(); });
  for (std::size_t i = 0; i < LogMerge::kStep && left > lines; ++i, --left) {
    std::erase_if(made_, [](const Run& run) { return run.left() == 0; });
    Run& oldest = *std::ranges::max_element(made_, is_later);
    oldest.lines[oldest.next++] = {};
  }
  return left > lines;
}

void LogHistory::end_source() {
  for (Run& run : made_) {
    if (run.left() == 0) continue;
    runs_.push_back(std::move(run));
    std::ranges::push_heap(runs_, is_later);
  }
  made_.clear();
  waiting_.pop_front();
}

LogHistory::Shown LogHistory::next() {
  std::ranges::pop_heap(runs_, is_later);
  Run& run = runs_.back();
  Shown shown{run.source, std::move(run.lines[run.next++].line)};
  if (run.left() == 0) {
    runs_.pop_back();
  } else {
    std::ranges::push_heap(runs_, is_later);
  }
  return shown;
}

}  // namespace gracevisor::output
