// When the daemon's log tells of requests that failed: an app's first failure at once, then what came last
// and how many there were, at most once in kQuiet for each app. Workers put letters (routing/last_failure.h)
// and ring, but no more often than once in a second each: after a letter more may follow without a ring, and
// the supervisor looks again by itself for kFollow. Thread: a value, the supervisor's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/strong.h"
#include "routing/last_failure.h"

namespace gracevisor::decide {

class FailureBook {
 public:
  static constexpr base::Duration kQuiet = std::chrono::seconds(10);
  static constexpr base::Duration kFollow = std::chrono::seconds(2);

  // Requests that the workers have told of, in all: has any come since the last call?
  [[nodiscard]] bool look(std::uint64_t letters, base::TimePoint now);
  // What an app's worker told last.
  void note(base::AppId app, const routing::LastFailure& what);
  // The log's line, if it is due: `failed` requests of the app have, since it was made. Asks for each app
  // once in a turn.
  [[nodiscard]] std::optional<std::string> take_line(base::AppId app, const std::string& name,
                                                     std::uint64_t failed, base::TimePoint now);
  // Is there a line to come, or may there be a letter of which nobody rings?
  [[nodiscard]] bool waiting(base::TimePoint now) const;

 private:
  struct Page {
    std::optional<routing::LastFailure> last;  // not told yet
    std::uint64_t told_failed = 0;
    std::optional<base::TimePoint> told;
  };
  std::map<base::AppId, Page> pages_;
  std::uint64_t letters_ = 0;
  std::optional<base::TimePoint> looked_;  // when the newest were found
};

}  // namespace gracevisor::decide
