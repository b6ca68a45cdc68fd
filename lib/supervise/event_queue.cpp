#include "supervise/event_queue.h"

namespace gracevisor::supervise {
namespace {
constexpr std::size_t kEventsPerTurn = 10'000;
}  // namespace

void EventQueue::add(base::AppId app, Event event) {
  events_.emplace_back(app, std::move(event));
  schedule_turn_();
}

void EventQueue::run(const std::function<decide::App*(base::AppId)>& find_app) {
  for (std::size_t i = 0; i < kEventsPerTurn && !events_.empty(); ++i) {
    auto [id, event] = std::move(events_.front());
    events_.pop_front();
    if (decide::App* app = find_app(id)) event(*app);
  }
  if (!events_.empty()) schedule_turn_();
}

}  // namespace gracevisor::supervise
