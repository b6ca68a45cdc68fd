#include "process/child.h"

#include <cerrno>
#include <csignal>

#include "process/pidfd.h"

namespace gracevisor::process {

void Child::signal(int number) const noexcept {
  if (reaped_ || pid_ == 0) return;
  // A failure means that it is a zombie, or has changed to another user: either way there is no more to do.
  if (pidfd_) {
    (void)send_by_pidfd(pidfd_, number);
  } else {
    (void)::kill(pid_, number);
  }
}

void Child::signal_group(int number) const noexcept {
  if (!reaped_ && pid_ != 0) (void)::kill(-pid_, number);
}

bool Child::group_is_gone() const {
  return ::kill(-pid_, 0) != 0 && errno == ESRCH;
}

}  // namespace gracevisor::process
