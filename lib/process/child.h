// A process that leads its own session and process group, known by its pidfd: the signals for it, and what
// makes its number safe to use. Its parent (parent.h) waits for it. Until reap() its number cannot mean
// another process, even when it is a zombie; afterwards the number remains the group's as long as the group
// has members, and nothing but looking is allowed. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>

#include "base/unique_fd.h"
#include "process/parent.h"
#include "spawn/exit_status.h"

namespace gracevisor::process {

class Child {
 public:
  // Without a `pidfd`, signals go by number, which is just as safe. The parent must outlive it.
  Child(pid_t pid, base::UniqueFd pidfd, Parent& parent) noexcept
      : pid_(pid), pidfd_(std::move(pidfd)), parent_(parent) {}

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }  // -1: none
  [[nodiscard]] bool reaped() const noexcept { return reaped_; }

  // To the child alone, or to its group. Does nothing once it is reaped.
  void signal(int number) const noexcept;
  void signal_group(int number) const noexcept;

  // How it ended; unset while it lives. Requires: not reaped().
  [[nodiscard]] std::optional<spawn::ExitStatus> ended() const { return parent_.ended(pid_); }
  // Requires: ended(). Closes the descriptor, so no watch may be left on it.
  [[nodiscard]] spawn::ExitStatus reap();
  // Requires: reaped(). Whether its group has no member left.
  [[nodiscard]] bool group_is_gone() const;

 private:
  pid_t pid_;
  bool reaped_ = false;
  base::UniqueFd pidfd_;
  Parent& parent_;
};

}  // namespace gracevisor::process
