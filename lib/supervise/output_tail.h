// What one instance wrote: its bytes become lines. The newest 256 KiB of them are kept for `logs`, and every
// line is handed on once, for the log file.
//
// A line ends at \n. One longer than 64 KiB is cut into parts; every part but the last, and an unfinished
// line that was flushed, has `partial` set. Nothing else is interpreted: NUL, \r and invalid UTF-8 stay as
// they were written. Lines of both streams are ordered by the time at which they ended. Pure; the caller's
// timer flushes. Thread: the supervisor's.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "process/process.h"

namespace gracevisor::supervise {

struct OutputLine {
  std::chrono::system_clock::time_point time;
  std::string instance;  // "43.1"
  process::OutputStream stream = process::OutputStream::out;
  std::string text;  // without its newline
  bool partial = false;
};

class OutputTail {
 public:
  using WallTime = std::chrono::system_clock::time_point;
  // Runs inside add() and flush(); must not call the tail.
  using OnLine = std::function<void(const OutputLine&)>;

  static constexpr std::size_t kKept = 256UL * 1024;  // bytes, plus kPerLine for each line
  static constexpr std::size_t kPerLine = 64;         // so that empty lines are not free
  static constexpr std::size_t kMaxLine = 64UL * 1024;

  // `on_line` may be empty.
  OutputTail(std::string instance, OnLine on_line);

  void add(process::OutputStream stream, std::string_view bytes, WallTime now);

  // Bytes after the last newline wait for the rest of their line.
  [[nodiscard]] bool has_unfinished() const noexcept;
  // Hands on what there is of unfinished lines, which may go on: at most 2 s after their bytes came.
  void flush(WallTime now);
  // What comes next begins a line, as after the process is gone: unfinished ones end here.
  void end_lines(WallTime now);

  // The newest `count` lines, oldest first; valid until the next call that changes the tail.
  [[nodiscard]] std::vector<const OutputLine*> last(std::size_t count) const;
  // All that are kept, oldest first; as long valid.
  [[nodiscard]] const std::deque<OutputLine>& lines() const noexcept { return lines_; }
  // Older lines were let go.
  [[nodiscard]] bool incomplete() const noexcept { return let_go_ > 0; }
  // How many: the number of the first that is kept.
  [[nodiscard]] std::uint64_t let_go() const noexcept { return let_go_; }

 private:
  void emit(process::OutputStream stream, std::string text, bool partial, WallTime now);
  [[nodiscard]] std::string& unfinished(process::OutputStream stream);

  std::string instance_;
  OnLine on_line_;
  std::array<std::string, 2> unfinished_;  // at most kMaxLine each
  std::deque<OutputLine> lines_;
  std::size_t kept_ = 0;
  std::uint64_t let_go_ = 0;
};

}  // namespace gracevisor::supervise
