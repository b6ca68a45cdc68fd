// Explains in the log why an app that converses with its client during a request hears nothing: the proxy
// reads the request before it chooses an instance. At most once an hour for each app. A decider. Thread: the
// supervisor's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/strong.h"

namespace gracevisor::decide {

class SlowStreamHints {
 public:
  // `count`: the sum of the app's AppCell::slow_streams. The line to be logged now, if any.
  [[nodiscard]] std::optional<std::string> take_line(base::AppId app, const std::string& name,
                                                     std::uint64_t count, base::TimePoint now);

 private:
  struct Page {
    std::uint64_t seen = 0;
    std::optional<base::TimePoint> told;
  };
  std::map<base::AppId, Page> pages_;
};

}  // namespace gracevisor::decide
