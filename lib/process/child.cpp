#include "process/child.h"

#include <cerrno>
#include <csignal>

#include "process/pidfd.h"

namespace gracevisor::process {

void Child::signal(int number) const noexcept {
  if (reaped_) return;
  // A failure means that it is a zombie, or has changed to another user: either way there is no more to do.
  if (pidfd_) {
    (void)send_by_pidfd(pidfd_, number);
  } else {
    (void)::kill(pid_, number);
  }
}

void Child::signal_group(int number) const noexcept {
  if (!reaped_) (void)::kill(-pid_, number);
}

spawn::ExitStatus Child::reap() {
  spawn::ExitStatus status = parent_.reap(pid_);
  reaped_ = true;
  pidfd_.reset();
  return status;
}

bool Child::group_is_gone() const {
  // Orphans of the group may be its parent's by now, and their zombies would hold it.
  parent_.reap_orphans(pid_);
  // A process with that number exists, so it was reused, which never happens to a number that a group still
  // has.
  if (::kill(pid_, 0) == 0 || errno == EPERM) return true;
  return ::kill(-pid_, 0) != 0 && errno == ESRCH;
}

}  // namespace gracevisor::process
