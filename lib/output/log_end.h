// What an earlier run left at the end of a log file in the middle of a line, because it was killed: without
// an end of its own, the next line would be taken for the rest. Pure. Thread: any one.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "base/clock.h"
#include "output/log_line.h"

namespace gracevisor::output {

// Takes the records of a file, the newest first.
class OpenLines {
 public:
  // So much of a file is looked at, and as much more as its last record has.
  static constexpr std::size_t kLookedAt = 256UL << 10;
  static constexpr std::size_t kMostLookedAt = 2UL << 20;

  // `cut`: the end of `line` is missing.
  void add(std::string_view line, bool cut);
  [[nodiscard]] bool any() const noexcept { return !seen_.empty(); }
  // Records that end what goes on behind the last record of its stream; empty: nothing does.
  [[nodiscard]] std::string ends(base::WallTime now) const;

 private:
  using Whose = std::tuple<std::string, std::string, LogStream>;  // app, instance

  std::set<Whose> seen_;
  std::set<std::pair<Whose, LogFormat>> open_;
};

}  // namespace gracevisor::output
