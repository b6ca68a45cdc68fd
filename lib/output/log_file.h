// One log file: appended to, rotated between lines, and honest about what it could not keep. Bytes are
// written unchanged; a newline is added only if one source's line is unfinished and another source follows.
//
//   open --write or open fails (ENOSPC, EIO, ...)--> degraded: lines are counted and dropped
//   degraded --2 s later, when there is something to write or tick()--> reopened; the marker line
//            "[gracevisor: 123 lines, 45678 bytes dropped]", or that as JSON, is written first --> open
//
// Opened at the first line, as LogOpener allows. Where an earlier run was killed in the middle of a line,
// that line is ended first. A file renamed or removed from outside is noticed within 5 s of writing, or at
// reopen(); if its path then leads to something that may not be used, the old file stays open. Only regular
// files are rotated: a log may be /dev/stdout, perhaps a pipe, whose reader has 100 ms per batch. A line
// longer than a whole file plus 1 MiB is cut by rotation; its bytes continue in the next file. What prevents
// writing is reported once, and so is its end. Thread: the writer's.
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

// `cause` is empty once the file can be written again.
using TellTrouble = std::function<void(const std::string& path, const std::string& cause)>;

// How files are opened, and who is told about one that cannot be written.
struct LogWays {
  std::shared_ptr<const LogOpener> opener = std::make_shared<const LogOpener>();
  TellTrouble tell = {};
  std::function<void(const std::filesystem::path&)> rotated = {};  // a file has a new old file
};

class LogFile {
 public:
  // `lost` counts every line that a file dropped itself; shared by all files of the thread.
  // `left`: how this run left the file when it was open before.
  LogFile(FilePolicy policy, const base::Clock& clock, handoff::Tally& lost, LogWays ways = {},
          std::optional<Seam> left = {});

  // `before` was dropped on the way here, just before `lines`. Without a source: whole lines with their
  // newlines.
  void append(std::string_view lines, const Dropped& before, Source first = {}, Source last = {});
  // Size and number of files may change with the configuration.
  void set_policy(const FilePolicy& policy) { policy_ = policy; }
  // Reopens the file at once.
  void reopen();
  // Retries a degraded file when it is due.
  void tick();
  // Nothing was written for a minute and no marker is pending: the file may be closed and forgotten.
  [[nodiscard]] bool idle() const;
  // Nothing is written any more: what was told about it is over.
  void leave() { tell({}); }
  // How it ends.
  [[nodiscard]] const Seam& seam() const noexcept { return seam_; }
  [[nodiscard]] bool degraded() const noexcept { return retry_at_.has_value(); }
  // The errno value of what degraded it.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  [[nodiscard]] bool ready();
  [[nodiscard]] bool open();
  [[nodiscard]] bool end_what_was_left();
  [[nodiscard]] std::string open_ends(int fd) const;
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
  std::string told_;  // the cause last reported; empty: it can be written
  base::UniqueFd fd_;
  bool regular_ = false;
  Seam seam_;
  bool is_ours_;  // what was there before this run has been looked at
  std::uint64_t size_ = 0;
  Dropped dropped_;  // not yet noted in the file
  std::optional<base::TimePoint> retry_at_;
  int error_ = 0;
  base::TimePoint checked_at_{};
  base::TimePoint used_at_{};
  base::TimePoint patience_ends_{};  // on the steady clock; for a pipe's reader
  base::TimePoint rotate_from_{};    // after a failed rotation, the next is tried then
};

}  // namespace gracevisor::output
