// The apps that the daemon has still to start when it boots, in the configuration's order, which is that of
// their ids. A start takes milliseconds, for it spawns processes and waits for each until its image is
// loaded; so they go in slices, between which the loop turns: what runs already is probed, routed and served,
// and commands are heard. A decider. Thread: the supervisor's.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/strong.h"

namespace gracevisor::decide {

class BootQueue {
 public:
  // No further app is begun after so long: four fifths of the time are for starting apps, however long the
  // turns between take, of which each publishes a table of all of them. Never less, since a probe or a
  // command hardly notices it; never more, since they would.
  static constexpr base::Duration kShortest = base::Millis(10);
  static constexpr base::Duration kLongest = base::Millis(50);
  static constexpr int kShare = 4;

  void add(base::AppId app) { waiting_.insert(app); }
  // Takes an app out of its turn; false when it is not waiting.
  [[nodiscard]] bool take(base::AppId app) { return waiting_.erase(app) != 0; }
  [[nodiscard]] const std::set<base::AppId>& waiting() const { return waiting_; }
  void clear() { waiting_.clear(); }

  // Starts the next ones until the slice is over: at least one, if any waits. `start` is told of each when it
  // waits no more.
  void run_slice(const std::function<base::TimePoint()>& now, const std::function<void(base::AppId)>& start);

 private:
  std::set<base::AppId> waiting_;
  std::optional<base::TimePoint> last_end_;  // of a slice
};

}  // namespace gracevisor::decide
