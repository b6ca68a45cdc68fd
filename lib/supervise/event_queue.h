// What has happened to the apps and is still to be acted upon. Callbacks of processes, timers and the writer
// only add to it; the turn handles the events, in order. Thread: the supervisor's.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "base/strong.h"
#include "decide/app.h"

namespace gracevisor::supervise {

class EventQueue {
 public:
  using Event = std::function<void(decide::App&)>;

  // `schedule_turn` is called when something waits.
  explicit EventQueue(std::function<void()> schedule_turn) : schedule_turn_(std::move(schedule_turn)) {}

  void add(base::AppId app, Event event);
  // Handles the events that wait and those that they cause, up to a bound; the rest waits for the next turn.
  // An event of an app that `find_app` does not know (null) is dropped.
  void run(const std::function<decide::App*(base::AppId)>& find_app);

 private:
  std::function<void()> schedule_turn_;
  std::deque<std::pair<base::AppId, Event>> events_;
};

}  // namespace gracevisor::supervise
