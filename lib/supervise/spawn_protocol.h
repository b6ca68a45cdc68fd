// What the spawn helper tells the daemon through the report pipe. The pipe closes by itself when execve
// succeeds, so its end alone would be ambiguous; hence a byte right before:
//
//   byte, end            the program runs
//   byte, record, end    execve failed
//   record, end          an earlier step failed
//   anything else, end   the helper died
//
// Thread: values; the supervisor's and the helper's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "supervise/exit_status.h"

namespace gracevisor::supervise {

// The helper's descriptors beside 0, 1, 2.
inline constexpr int kPlanFd = 3;
inline constexpr int kReportFd = 4;
inline constexpr int kListenerFd = 5;  // where the plan has a listener
// Where the program finds the listener: SD_LISTEN_FDS_START. The plan, which stood there, is read by then.
inline constexpr int kPassedListenerFd = 3;
// Its exit status when a step failed; the record says which one.
inline constexpr int kHelperFailed = 70;
inline constexpr char kAboutToExec = '\x01';

// Eight bytes, written by one atomic write.
struct SpawnRecord {
  std::uint16_t version = 1;
  std::uint16_t stage = 0;
  std::int32_t code = 0;
};
static_assert(sizeof(SpawnRecord) == 8);

// The daemon's end of the pipe. The descriptor is non-blocking.
class SpawnReport {
 public:
  explicit SpawnReport(base::UniqueFd read_end) : read_end_(std::move(read_end)) {}

  [[nodiscard]] int fd() const noexcept { return read_end_.get(); }
  // Takes what the pipe has; true once it ended. Never blocks.
  [[nodiscard]] bool read_to_end();
  // What arrived: unset means that the program runs. Code 0 with stage crashed: no word at all.
  [[nodiscard]] std::optional<SpawnFailed> failure() const;

 private:
  base::UniqueFd read_end_;
  std::string bytes_;  // a record and the byte at most, one more marks rubbish
};

}  // namespace gracevisor::supervise
