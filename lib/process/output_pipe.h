// One stream of a process's output: a pipe whose other end is the process's stdout or stderr.
//
// The process gets its end opened for reading and writing, so it never sees a broken pipe, even when the
// daemon dies: the pipe then fills up and the process waits for the next daemon. The output therefore ends
// at the exit, after one drain(); a leftover process may still hold the pipe and go on writing.
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
  // At most 64 KiB per call, and one call per loop turn, except from drain(); the bytes are valid during the
  // call.
  using OnBytes = std::function<void(std::string_view)>;

  // False: nothing is to be read until resume().
  using MayRead = std::function<bool()>;

  // Nothing is read before deliver().
  [[nodiscard]] static base::Expected<std::unique_ptr<OutputPipe>> create(loop::Loop& loop);
  // Our end of one whose process runs already.
  [[nodiscard]] static base::Expected<std::unique_ptr<OutputPipe>> of(loop::Loop& loop,
                                                                      base::UniqueFd read_end);

  // The process's end, for the spawn helper; may be called once. Empty in one that runs already.
  [[nodiscard]] base::UniqueFd take_process_end() { return std::move(process_end_); }
  [[nodiscard]] base::Expected<base::UniqueFd> copy_of_our_end() const {
    return base::duplicate(read_end_.get());
  }

  // Sets who gets the bytes; must be called in the same turn of the loop as create().
  void deliver(OnBytes on_bytes, MayRead may_read);

  // Checks again whether anything may be read.
  void resume();
  // Delivers what the pipe holds at this moment, whether or not it may be read (at most its capacity, so a
  // busy writer cannot keep us here).
  void drain();
  void close();

 private:
  explicit OutputPipe(loop::Loop& loop) : loop_(loop) {}
  [[nodiscard]] base::Expected<void> open();
  [[nodiscard]] base::Expected<void> watch(base::UniqueFd read_end);
  void on_readable();
  std::size_t read_some(std::size_t at_most);

  loop::Loop& loop_;
  OnBytes on_bytes_;
  MayRead may_read_;
  bool paused_ = false;
  base::UniqueFd read_end_;
  base::UniqueFd process_end_;
  std::unique_ptr<loop::FdWatch> watch_;  // destroyed before read_end_
};

}  // namespace gracevisor::process
