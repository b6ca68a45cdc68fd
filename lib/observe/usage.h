// What the processes of instances use of the machine, from one look at /proc after the other. Pure.
//
// A tree is a main process, the members of its session, and the descendants of all these. CPU time is that of
// the living members and of children that they have waited for; of a child that nobody waited for, the last
// part is lost. Thread: values, any thread.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "inspect/process_table.h"

namespace gracevisor::observe {

// A process, never mistaken for a later one with its number.
struct ProcessKey {
  pid_t pid = 0;
  std::uint64_t started = 0;  // clock ticks since the machine booted
  auto operator<=>(const ProcessKey&) const = default;
};
[[nodiscard]] ProcessKey key_of(const base::ProcessEntry& entry);

// The living members of the tree, the main process first; empty if that has gone.
[[nodiscard]] inspect::ProcessTable::Members tree_of(const inspect::ProcessTable& table,
                                                     const ProcessKey& main);

// What one look found of a tree.
struct TreeSeen {
  std::uint64_t ran = 0;     // clock ticks of CPU time
  std::uint64_t memory = 0;  // bytes
  unsigned processes = 0;
  bool operator==(const TreeSeen&) const = default;
};

struct Usage {
  std::optional<double> cpu_percent;  // of one CPU, over about 10 s; unset: there was but one look
  std::uint64_t memory = 0;           // bytes
  unsigned processes = 0;
  bool operator==(const Usage&) const = default;
};

class UsageBook {
 public:
  static constexpr base::Duration kWindow = std::chrono::seconds(10);

  // `ticks_per_second`: sysconf(_SC_CLK_TCK).
  explicit UsageBook(double ticks_per_second) : ticks_per_second_(ticks_per_second) {}

  // The newest look; trees that are not in it are forgotten.
  void note(base::TimePoint at, const std::map<ProcessKey, TreeSeen>& trees);
  [[nodiscard]] std::map<ProcessKey, Usage> usage() const;

 private:
  struct Look {
    base::TimePoint at;
    std::uint64_t ran = 0;
  };
  struct Tree {
    std::vector<Look> looks;  // oldest first: one at least kWindow ago, if there is any, and those since
    TreeSeen newest;
  };
  double ticks_per_second_;
  std::map<ProcessKey, Tree> trees_;
};

}  // namespace gracevisor::observe
