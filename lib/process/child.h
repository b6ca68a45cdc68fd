// A process that leads its own session and process group, known by its pidfd: the signals for it, and what
// makes its number safe to use. Until it is given up (reaped) its number cannot mean another process, even
// when it is a zombie; afterwards the number remains the group's as long as the group has members, and
// nothing but looking is allowed. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/unique_fd.h"

namespace gracevisor::process {

class Child {
 public:
  // None yet.
  Child() = default;
  // Without a `pidfd`, signals go by number, which is just as safe.
  Child(pid_t pid, base::UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }  // 0: none yet
  [[nodiscard]] bool reaped() const noexcept { return reaped_; }

  // To the child alone, or to its group. Does nothing before it is there, and once it is reaped.
  void signal(int number) const noexcept;
  void signal_group(int number) const noexcept;

  // Its parent gives up its number now.
  void set_reaped() noexcept {
    reaped_ = true;
    pidfd_.reset();
  }
  // Whether its group has no member left. Requires: reaped().
  [[nodiscard]] bool group_is_gone() const;

 private:
  pid_t pid_ = 0;
  bool reaped_ = false;
  base::UniqueFd pidfd_;
};

}  // namespace gracevisor::process
