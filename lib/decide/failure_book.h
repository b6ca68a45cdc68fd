// Decides when the daemon's log reports failed requests: an app's first failure at once, then the latest one
// and how many there were, at most once per kQuiet for each app. Workers leave letters
// (routing/last_failure.h) and ring, but each worker rings at most once a second. After one letter, more may
// follow without a ring, so the supervisor keeps looking by itself for kFollow. Thread: a value, the
// supervisor's.
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

  // `letters`: how many letters the workers have left in total. Have any come since the last call?
  [[nodiscard]] bool poll(std::uint64_t letters, base::TimePoint now);
  // Notes the latest failure of an app that a worker reported.
  void note(base::AppId app, const routing::LastFailure& what);
  // The line for the log, if it is due. `failed`: how many requests of the app have failed since the app was
  // created. Called for each app once per turn.
  [[nodiscard]] std::optional<std::string> take_line(base::AppId app, const std::string& name,
                                                     std::uint64_t failed, base::TimePoint now);
  // Is a line still to come, or could a letter arrive without a ring?
  [[nodiscard]] bool waiting(base::TimePoint now) const;

 private:
  struct Page {
    std::optional<routing::LastFailure> last;  // not told yet
    std::uint64_t told_failed = 0;
    std::optional<base::TimePoint> told;
  };
  std::map<base::AppId, Page> pages_;
  std::uint64_t letters_ = 0;
  std::optional<base::TimePoint> looked_;  // when the newest letters were found
};

}  // namespace gracevisor::decide
