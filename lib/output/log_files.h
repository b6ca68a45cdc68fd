// All log files that the writer thread has open, by path. A file not written to for a minute is closed and
// forgotten, so that apps that are gone hold no descriptors. Thread: the writer's.
#pragma once

#include <filesystem>
#include <map>
#include <utility>

#include "base/clock.h"
#include "handoff/tally.h"
#include "output/log_file.h"

namespace gracevisor::output {

class LogFiles {
 public:
  LogFiles(const base::Clock& clock, handoff::Tally& lost, LogWays ways = {})
      : clock_(clock), lost_(lost), ways_(std::move(ways)) {}

  void append(const Lines& lines);
  void reopen();
  // Call about once a second: retries degraded files and closes idle ones.
  void tick();
  [[nodiscard]] std::size_t open_files() const noexcept { return files_.size(); }

 private:
  const base::Clock& clock_;
  handoff::Tally& lost_;
  LogWays ways_;
  std::map<std::filesystem::path, LogFile> files_;
  std::map<std::filesystem::path, Seam> closed_;  // how others end that this run wrote to
};

}  // namespace gracevisor::output
