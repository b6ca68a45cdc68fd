// A file descriptor with one owner. Every descriptor of the daemon is created close-on-exec. Thread: the
// owner's.
#pragma once

#include <utility>

#include "base/error.h"

namespace gracevisor::base {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

// A second descriptor (close-on-exec, number at least `at_least`) for the same open file.
[[nodiscard]] Expected<UniqueFd> duplicate(int fd, int at_least = 0);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// pipe2(O_CLOEXEC); both ends blocking.
[[nodiscard]] Expected<Pipe> make_pipe();

// Sets O_NONBLOCK on the open file description behind `fd`.
[[nodiscard]] Expected<void> set_nonblocking(int fd);

}  // namespace gracevisor::base
