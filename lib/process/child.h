// A child of ours that leads its own session and process group: the system calls about it, and what makes its
// number safe to use. Until reap() its number cannot mean another process, even when it is a zombie;
// afterwards the number remains the group's as long as the group has members, and nothing but looking is
// allowed. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/exit_status.h"

namespace gracevisor::process {

class Child {
 public:
  Child() = default;  // none: 0 and -0 would mean our own group, so nothing is ever sent
  explicit Child(pid_t pid) noexcept : pid_(pid) {}

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool reaped() const noexcept { return reaped_; }

  // The descriptor that becomes readable at its exit. Without it, signals go by number, which is as safe.
  [[nodiscard]] base::Expected<int> open();

  // To the child alone, or to its group. Does nothing once it is reaped, or when there is none.
  void signal(int number) const noexcept;
  void signal_group(int number) const noexcept;

  // Ended, and not reaped.
  [[nodiscard]] bool is_zombie() const noexcept;
  // Requires: is_zombie().
  [[nodiscard]] bool exited_with_0() const noexcept;
  // Requires: is_zombie(). Closes the descriptor, so no watch may be left on it.
  [[nodiscard]] spawn::ExitStatus reap() noexcept;
  // Requires: reaped(). Whether its group has no member left; reaps orphans of the group that were handed to
  // us.
  [[nodiscard]] bool group_is_gone() const noexcept;

 private:
  [[nodiscard]] bool there() const noexcept { return pid_ > 0 && !reaped_; }

  pid_t pid_ = 0;
  bool reaped_ = false;
  base::UniqueFd pidfd_;
};

}  // namespace gracevisor::process
