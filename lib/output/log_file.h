// One log file: appended to, rotated between lines, and honest about what it could not keep.
//
//   open --write or open fails (ENOSPC, EIO, ...)--> degraded: lines are counted and dropped
//   degraded --2 s later, when there is something to write or tick()--> opened anew; the marker line
//            "[gracevisor: 123 lines, 45678 bytes dropped]", or that as JSON, is written first --> open
//
// Opened at the first line, as LogOpener allows. A file that was renamed or removed from outside is noticed
// within 5 s of writing, or at reopen(); where its path then leads to what may not be used, the old file
// stays. Only regular files are rotated. What keeps it from being written is told once, and its end too.
// Thread: the writer's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "handoff/tally.h"
#include "output/log_opener.h"
#include "output/writer.h"

namespace gracevisor::output {

// What is missing at some place of a file.
struct Dropped {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;

  void add(std::string_view text);
  void add(const Dropped& more) noexcept {
    lines += more.lines;
    bytes += more.bytes;
  }
  [[nodiscard]] bool none() const noexcept { return lines == 0 && bytes == 0; }
};

// How files are opened, and who hears of one that cannot be written.
struct LogWays {
  std::shared_ptr<const LogOpener> opener = std::make_shared<const LogOpener>();
  Writer::Tell tell = {};
};

class LogFile {
 public:
  // `lost` counts every line that this file dropped itself; shared by all files of the thread.
  LogFile(FilePolicy policy, const base::Clock& clock, handoff::Tally& lost, LogWays ways = {});

  // Whole lines with their newlines. `before` was dropped on the way here, in front of them.
  void append(std::string_view lines, const Dropped& before);
  // Size and number of files may change with the configuration.
  void set_policy(const FilePolicy& policy) { policy_ = policy; }
  // Opens the file anew, at once.
  void reopen();
  // Tries a degraded file again when its time has come.
  void tick();
  // Nothing was written for a minute and nothing is owed: the file may be closed and forgotten.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool degraded() const noexcept { return retry_at_.has_value(); }

 private:
  [[nodiscard]] bool ready();
  [[nodiscard]] bool open();
  [[nodiscard]] bool moved_away();
  [[nodiscard]] bool write_marker();
  [[nodiscard]] bool write(std::string_view& lines);
  void write_rotating(std::string_view lines);
  void rotate_now();
  void degrade(const base::Error& cause);
  void tell(const std::string& cause);
  void drop(std::string_view lines);

  FilePolicy policy_;
  const base::Clock& clock_;
  handoff::Tally& lost_;
  LogWays ways_;
  std::string told_;       // the cause that was told last; empty: it can be written
  base::UniqueFd own_fd_;  // unset for standard error
  int fd_ = -1;
  bool regular_ = false;
  bool torn_ = false;  // the last byte in the file is not a newline
  std::uint64_t size_ = 0;
  Dropped dropped_;  // not yet told in the file
  std::optional<base::TimePoint> retry_at_;
  base::TimePoint checked_at_{};
  base::TimePoint used_at_{};
  base::TimePoint rotate_from_{};  // after one that failed, the next is tried then
};

}  // namespace gracevisor::output
