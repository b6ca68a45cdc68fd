// A child of ours that leads its own session and process group: the system calls about it, and what makes
// their numbers safe. Until reap() its number can mean nobody else, not even when it is a zombie; afterwards
// the number stays the group's own as long as the group has members, and nothing but looking is allowed.
// Thread: the supervisor's.
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

  // The descriptor that becomes readable at its exit. Signals go by number without it, which is as safe.
  [[nodiscard]] base::Expected<int> open();

  // To the child alone, or to its group. Nothing once it is reaped, or when there is none.
  void signal(int number) const noexcept;
  void signal_group(int number) const noexcept;

  // Ended, and not reaped.
  [[nodiscard]] bool is_zombie() const noexcept;
  // Requires: is_zombie().
  [[nodiscard]] bool exited_with_0() const noexcept;
  // Requires: is_zombie(). Closes the descriptor, so no watch may be left on it.
  [[nodiscard]] spawn::ExitStatus reap() noexcept;
  // Requires: reaped(). Whether its group has no member left; reaps orphans of it that came to us.
  [[nodiscard]] bool group_is_gone() const noexcept;

 private:
  [[nodiscard]] bool there() const noexcept { return pid_ > 0 && !reaped_; }

  pid_t pid_ = 0;
  bool reaped_ = false;
  base::UniqueFd pidfd_;
};

}  // namespace gracevisor::process
