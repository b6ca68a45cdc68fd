// The apps still to be started at boot, in the configuration's order, which is the order of their ids. A
// start takes its time, because it reads files and orders processes. So apps start in slices, and the loop
// turns between the slices: apps that already run are probed, routed and served, and commands are heard. A
// decider. Thread: the supervisor's.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/strong.h"

namespace gracevisor::decide {

class BootQueue {
 public:
  // The bounds of a slice; when it is over, no further app is begun. Within the bounds a slice lasts kShare
  // times as long as the time since the one before it, which is that of a turn, which publishes a table of
  // all apps, and of a wait for the keeper if there is one: so slices get four fifths of the time, however
  // long the turns take. A probe or a command hardly notices a slice of kShortest, but would notice one
  // longer than kLongest.
  static constexpr base::Duration kShortest = base::Millis(10);
  static constexpr base::Duration kLongest = base::Millis(50);
  static constexpr int kShare = 4;

  void add(base::AppId app) { waiting_.insert(app); }
  // Removes an app, to be started out of turn; false when it is not waiting.
  [[nodiscard]] bool take(base::AppId app) { return waiting_.erase(app) != 0; }
  [[nodiscard]] const std::set<base::AppId>& waiting() const { return waiting_; }
  void clear() { waiting_.clear(); }

  // Starts the next apps until the slice is over: at least one, if any waits and `may_start` at all. `start`
  // is called for each app after it has been removed from the queue.
  void run_slice(
      const std::function<base::TimePoint()>& now, const std::function<void(base::AppId)>& start,
      const std::function<bool()>& may_start = [] { return true; });

 private:
  std::set<base::AppId> waiting_;
  std::optional<base::TimePoint> last_end_;  // of a slice
};

}  // namespace gracevisor::decide
