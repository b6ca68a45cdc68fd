// How much memory processes use: their proportional share (PSS) as /proc/PID/smaps_rollup tells it, so that
// pages which the workers of one server share are counted once. The kernel walks all pages of a process for
// that, milliseconds for a large one; so each round reads as many as its time allows, those first that are
// unknown or were read longest ago. A process that is not read yet, or may not be, counts as resident.
// Thread: one at a time; reads /proc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "observe/usage.h"

namespace gracevisor::observe {

// The "Pss:" of smaps_rollup in bytes; unset: it has none.
[[nodiscard]] std::optional<std::uint64_t> pss_in(std::string_view rollup);
// That of a process; unset: it has gone, or this process may not know.
[[nodiscard]] std::optional<std::uint64_t> read_pss(pid_t pid);

class MemoryBook {
 public:
  using Clock = std::function<base::TimePoint()>;
  using Read = std::function<std::optional<std::uint64_t>(pid_t)>;
  explicit MemoryBook(
      Clock now = [] { return std::chrono::steady_clock::now(); }, Read read = read_pss)
      : now_(std::move(now)), read_(std::move(read)) {}

  // Another round, about these processes; others are forgotten. It ends after `time`, but reads at least one.
  void look(const std::vector<const base::ProcessEntry*>& processes, base::Duration time);
  // In bytes.
  [[nodiscard]] std::uint64_t of(const base::ProcessEntry& process) const;

 private:
  struct Share {
    std::optional<std::uint64_t> bytes;  // unset: it could not be read
    base::TimePoint at;
  };
  Clock now_;
  Read read_;
  std::map<ProcessKey, Share> shares_;
};

}  // namespace gracevisor::observe
