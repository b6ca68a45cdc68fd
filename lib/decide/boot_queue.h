// The apps still to be started at boot, in the configuration's order, which is the order of their ids. A
// start takes milliseconds, because it spawns processes and waits until each has loaded its image. So apps
// start in slices, between which the loop turns: what already runs is probed, routed and served, and commands
// are heard. A decider. Thread: the supervisor's.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/strong.h"

namespace gracevisor::decide {

class BootQueue {
 public:
  // The bounds of a slice, after which no further app is begun. Slices get four fifths of the time, however
  // long the turns in between take, each of which publishes a table of all apps. Never shorter, as a probe or
  // a command hardly notices that much; never longer, as they would notice.
  static constexpr base::Duration kShortest = base::Millis(10);
  static constexpr base::Duration kLongest = base::Millis(50);
  static constexpr int kShare = 4;

  void add(base::AppId app) { waiting_.insert(app); }
  // Takes an app out of its turn; false when it is not waiting.
  [[nodiscard]] bool take(base::AppId app) { return waiting_.erase(app) != 0; }
  [[nodiscard]] const std::set<base::AppId>& waiting() const { return waiting_; }
  void clear() { waiting_.clear(); }

  // Starts the next ones until the slice is over: at least one, if any waits. `start` is called for each once
  // it no longer waits.
  void run_slice(const std::function<base::TimePoint()>& now, const std::function<void(base::AppId)>& start);

 private:
  std::set<base::AppId> waiting_;
  std::optional<base::TimePoint> last_end_;  // of a slice
};

}  // namespace gracevisor::decide
