// One stream of a process's output: a pipe whose other end is the process's stdout or stderr.
//
// The process gets its end opened for reading and writing, so it never sees a broken pipe, even when the
// daemon dies: the pipe then fills up and the process waits for the next daemon. The output therefore ends
// with the exit plus one drain(); a leftover process may still hold the pipe and go on writing.
//
// It is left unread while there is no room for its bytes, so that the process waits instead of losing lines.
// Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"

namespace gracevisor::process {

class OutputPipe {
 public:
  // At most 64 KiB per call, one call per loop turn; the bytes are valid during the call.
  using OnBytes = std::function<void(std::string_view)>;

  // False: nothing is to be read until resume().
  using MayRead = std::function<bool()>;

  [[nodiscard]] static base::Expected<std::unique_ptr<OutputPipe>> create(loop::Loop& loop, OnBytes on_bytes,
                                                                          MayRead may_read);

  // The process's end, for the spawn helper; once.
  [[nodiscard]] base::UniqueFd take_process_end() { return std::move(process_end_); }

  // Looks again whether anything may be read.
  void resume();
  // Delivers what the pipe holds at this moment, whether or not it may be read (at most its capacity, so a
  // busy writer cannot keep us here).
  void drain();
  void close();

 private:
  OutputPipe(loop::Loop& loop, OnBytes on_bytes, MayRead may_read)
      : loop_(loop), on_bytes_(std::move(on_bytes)), may_read_(std::move(may_read)) {}
  [[nodiscard]] base::Expected<void> open();
  void on_readable();
  std::size_t read_some(std::size_t at_most);

  loop::Loop& loop_;
  OnBytes on_bytes_;
  MayRead may_read_;
  bool paused_ = false;
  base::UniqueFd read_end_;
  base::UniqueFd process_end_;
  std::unique_ptr<loop::FdWatch> watch_;  // gone before read_end_
};

}  // namespace gracevisor::process
