// Standard error, which may be a pipe whose reader has stopped, a journal that hangs or a stopped terminal: a
// write never takes longer than the given patience, unless it is a file on a disk that hangs. The open file
// may be shared with other programs, so its flags are left alone. Thread: any, one at a time.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

class StandardError {
 public:
  enum class Result {
    done,
    stuck,   // not everything was taken in time
    broken,  // it takes nothing: it is closed, or the disk is full
  };

  // `fd` still belongs to its owner.
  explicit StandardError(int fd = 2);

  // Writes `text` for at most `patience`, and removes the written part from it.
  [[nodiscard]] Result write(std::string_view& text, Duration patience);

 private:
  [[nodiscard]] ssize_t write_some(std::string_view text) const;

  int fd_;
  bool socket_ = false;
  bool waits_ = false;  // a write may have to wait for a reader
  UniqueFd own_;        // another open file for the same pipe or terminal, non-blocking
};

// Writes one message to standard error; what cannot be written within `patience` is lost.
void say_on_standard_error(std::string_view text, Duration patience = std::chrono::seconds(2));

}  // namespace gracevisor::base
