// A way for large content to bypass this process in one direction: from its source into a pipe, and from
// there to its destination (splice(2)). It holds a pipe while it is open. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "loop/pipe.h"
#include "loop/stream.h"

namespace gracevisor::proxy {

class Conduit {
 public:
  // With less than this to come, a pipe is not worthwhile.
  static constexpr std::uint64_t kWorthwhile = 131072;

  explicit Conduit(loop::Pipes& pipes) noexcept : pipes_(pipes) {}
  Conduit(const Conduit&) = delete;
  Conduit& operator=(const Conduit&) = delete;
  ~Conduit() { close(); }

  // From now on `source` is left unread and only announces its bytes, unless no pipe is available.
  void open(loop::Stream& source) {
    pipe_ = pipes_.take();
    if (pipe_) source.leave_unread(true);
  }
  [[nodiscard]] bool is_open() const noexcept { return pipe_ != nullptr; }
  // Requires: is_open().
  [[nodiscard]] loop::Pipe& pipe() noexcept { return *pipe_; }

  // The source is read again. What is still in the pipe is lost.
  void close(loop::Stream& source) noexcept {
    if (!is_open()) return;
    source.leave_unread(false);
    close();
  }
  // The source is gone.
  void close() noexcept {
    if (pipe_) pipes_.put(std::move(pipe_));
  }

 private:
  loop::Pipes& pipes_;
  std::unique_ptr<loop::Pipe> pipe_;
};

}  // namespace gracevisor::proxy
