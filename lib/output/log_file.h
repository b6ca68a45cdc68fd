// One log file: appended to, rotated between lines, and honest about what it could not keep. Bytes stay as
// they came; only where a source's line is unfinished and another source goes on is a newline put between
// them.
//
//   open --write or open fails (ENOSPC, EIO, ...)--> degraded: lines are counted and dropped
//   degraded --2 s later, when there is something to write or tick()--> opened anew; the marker line
//            "[gracevisor: 123 lines, 45678 bytes dropped]", or that as JSON, is written first --> open
//
// Opened at the first line, as LogOpener allows. A file that was renamed or removed from outside is noticed
// within 5 s of writing, or at reopen(); where its path then leads to what may not be used, the old file
// stays. Only regular files are rotated: a log may be /dev/stdout, a pipe perhaps, whose reader has 100 ms
// per batch. A line of more than a whole file and 1 MiB is cut by rotation; its bytes go on in the next file.
// What keeps it from being written is told once, and its end too. Thread: the writer's.
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
#include "output/lines.h"
#include "output/log_opener.h"

namespace gracevisor::output {

// `cause` is empty when the file can be written again.
using TellTrouble = std::function<void(const std::string& path, const std::string& cause)>;

// How files are opened, and who hears of one that cannot be written.
struct LogWays {
  std::shared_ptr<const LogOpener> opener = std::make_shared<const LogOpener>();
  TellTrouble tell = {};
};

class LogFile {
 public:
  // `lost` counts every line that this file dropped itself; shared by all files of the thread.
  LogFile(FilePolicy policy, const base::Clock& clock, handoff::Tally& lost, LogWays ways = {});

  // `before` was dropped on the way here, in front of `lines`. Without a source: whole lines with their
  // newlines.
  void append(std::string_view lines, const Dropped& before, Source first = {}, Source last = {});
  // Size and number of files may change with the configuration.
  void set_policy(const FilePolicy& policy) { policy_ = policy; }
  // Opens the file anew, at once.
  void reopen();
  // Tries a degraded file again when its time has come.
  void tick();
  // Nothing was written for a minute and nothing is owed: the file may be closed and forgotten.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool degraded() const noexcept { return retry_at_.has_value(); }
  // The errno value of what degraded it.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  [[nodiscard]] bool ready();
  [[nodiscard]] bool open();
  [[nodiscard]] bool moved_away();
  [[nodiscard]] bool write_marker();
  [[nodiscard]] bool write(std::string_view& lines, Source whose);
  [[nodiscard]] bool wait_for_reader() const;
  [[nodiscard]] std::size_t fitting(std::string_view lines);
  void write_rotating(std::string_view lines, Source whose);
  void rotate_now();
  void degrade(const base::Error& cause);
  void tell(const std::string& cause);
  void drop(std::string_view lines);

  FilePolicy policy_;
  const base::Clock& clock_;
  handoff::Tally& lost_;
  LogWays ways_;
  std::string told_;  // the cause that was told last; empty: it can be written
  base::UniqueFd fd_;
  bool regular_ = false;
  Seam seam_;
  std::uint64_t size_ = 0;
  Dropped dropped_;  // not yet told in the file
  std::optional<base::TimePoint> retry_at_;
  int error_ = 0;
  base::TimePoint checked_at_{};
  base::TimePoint used_at_{};
  base::TimePoint patience_ends_{};  // of the steady clock: for a pipe's reader
  base::TimePoint rotate_from_{};    // after one that failed, the next is tried then
};

}  // namespace gracevisor::output
