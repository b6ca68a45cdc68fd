// What becomes of an app's old log files: which are too old, which are too many bytes together, and which are
// to be compressed. Decided here and done by LogKeeper (log_keeper.h). The current file is never touched.
// Pure. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbered_files.h"
#include "base/rfc3339.h"
#include "output/lines.h"

namespace gracevisor::output {

// An app's log files, a listener's access log, or the daemon's own log, and what holds for them together.
struct LogUpkeep {
  std::string app;                // or "listen:NAME"; empty: the daemon
  std::vector<FilePolicy> files;  // no two of one path
  base::Millis max_age{0};        // 0: none
  std::uint64_t total_size = 0;   // bytes; 0: any
  bool compress = false;

  // Unless it is no file with old files, or there already.
  void add(const FilePolicy& file);
  [[nodiscard]] bool any() const noexcept { return max_age.count() > 0 || total_size > 0 || compress; }
};

struct LogChores {
  using One = std::pair<std::size_t, base::OldFile>;  // of which of the files
  std::vector<One> remove;                            // in this order
  std::vector<One> compress;                          // the oldest first
  bool operator==(const LogChores&) const = default;
};

// `lists`: of each of the files, as base::list_old_files() has them. A file goes from its end: no gap is
// made. Where both forms of an old file are there, because what compressed it was interrupted, the compressed
// one goes.
[[nodiscard]] LogChores chores_of(const LogUpkeep& upkeep, std::vector<std::vector<base::OldFile>> lists,
                                  base::WallTime now);

}  // namespace gracevisor::output
