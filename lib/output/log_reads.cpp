#include "output/log_reads.h"

#include <algorithm>
#include <cassert>

namespace gracevisor::output {

std::uint64_t LogReads::begin(LogReading what, Done done) {
  waiting_.push_back({++last_id_, std::move(what)});
  done_.emplace(last_id_, std::move(done));
  send();
  return last_id_;
}

void LogReads::cancel(std::uint64_t id) {
  if (done_.erase(id) == 0) return;
  std::erase_if(waiting_, [id](const ReadLane::Order& order) { return order.id == id; });
  if (std::ranges::find(under_way_, id) == under_way_.end()) return;
  if (lane_.cancelled.push(auto(id))) wake_();
}

void LogReads::send() {
  bool any = false;
  while (!waiting_.empty() && under_way_.size() < ReadLane::kAtOnce) {
    under_way_.push_back(waiting_.front().id);
    const bool pushed = lane_.orders.push(std::move(waiting_.front()));
    assert(pushed);  // the ring holds kAtOnce
    (void)pushed;
    waiting_.pop_front();
    any = true;
  }
  if (any) wake_();
}

void LogReads::look() {
  std::vector<std::pair<Done, LogRead>> calls;
  while (auto answer = lane_.answers.pop()) {
    std::erase(under_way_, answer->id);
    auto done = done_.extract(answer->id);
    if (!done.empty()) calls.emplace_back(std::move(done.mapped()), std::move(answer->found));
  }
  send();
  // Last, since they may begin more.
  for (auto& [done, found] : calls) done(std::move(found));
}

bool LogReaders::take_orders() {
  // The cancellations first: the order of each has come by then.
  std::vector<std::uint64_t> cancelled;
  while (auto id = lane_.cancelled.pop()) cancelled.push_back(*id);
  while (auto order = lane_.orders.pop()) {
    readers_.push_back({order->id, LogReader(std::move(order->what), opener_)});
  }
  bool answered = false;
  for (const std::uint64_t id : cancelled) {
    auto found = std::ranges::find(readers_, id, &UnderWay::id);
    if (found == readers_.end()) continue;  // answered meanwhile
    readers_.erase(found);
    const bool pushed = lane_.answers.push({id, {}});
    assert(pushed);  // no more than kAtOnce are unanswered
    (void)pushed;
    answered = true;
  }
  return answered;
}

bool LogReaders::step(bool& answered) {
  answered = take_orders();
  if (readers_.empty()) return false;
  UnderWay next = std::move(readers_.front());
  readers_.pop_front();
  const bool more = next.reader.step();
  lane_.steps.add(1);
  if (more) {
    readers_.push_back(std::move(next));
    return true;
  }
  const bool pushed = lane_.answers.push({next.id, next.reader.take()});
  assert(pushed);  // no more than kAtOnce are unanswered
  (void)pushed;
  answered = true;
  return !readers_.empty();
}

}  // namespace gracevisor::output
