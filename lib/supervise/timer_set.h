// The timers of the deciders: one of each kind per instance or app. Arming replaces the previous timer, and a
// timer that was disarmed or rearmed never fires, even if it was already due and its event waits in the
// queue. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "decide/effects.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "supervise/event_queue.h"

namespace gracevisor::supervise {

class TimerSet {
 public:
  using OfInstance = std::pair<routing::Identity, decide::InstanceTimer>;
  using OfApp = std::pair<base::AppId, decide::AppTimer>;
  using Key = std::variant<OfInstance, OfApp>;

  // Due timers become events in the queue. The loop and the queue outlive the set; the queue is not run after
  // the set's end.
  TimerSet(loop::Loop& loop, EventQueue& events) : loop_(loop), events_(events) {}
  TimerSet(const TimerSet&) = delete;
  TimerSet& operator=(const TimerSet&) = delete;
  ~TimerSet() = default;

  void arm(const Key& key, base::Duration after);
  void disarm(const Key& key) { armed_.erase(key); }

 private:
  struct Armed {
    std::unique_ptr<loop::Timer> timer;
    std::uint64_t serial = 0;
  };
  void fire(const Key& key, std::uint64_t serial, decide::App& app);

  loop::Loop& loop_;
  EventQueue& events_;
  std::map<Key, Armed> armed_;
  std::uint64_t serial_ = 0;
};

}  // namespace gracevisor::supervise
