#include "process/child.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "process/pidfd.h"

namespace gracevisor::process {
namespace {

spawn::ExitStatus as_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return spawn::Exited{info.si_status, 0};
  return spawn::Signaled{info.si_status, info.si_code == CLD_DUMPED};
}

}  // namespace

base::Expected<int> Child::open() {
  auto pidfd = open_pidfd(pid_);
  if (!pidfd) return std::unexpected(pidfd.error());
  pidfd_ = std::move(*pidfd);
  return pidfd_.get();
}

void Child::signal(int number) const noexcept {
  if (!there()) return;
  // A failure means that it is a zombie, or has changed to another user: either way there is no more to do.
  if (pidfd_) {
    (void)send_by_pidfd(pidfd_, number);
  } else {
    (void)::kill(pid_, number);
  }
}

void Child::signal_group(int number) const noexcept {
  if (there()) (void)::kill(-pid_, number);
}

bool Child::is_zombie() const noexcept {
  if (!there()) return false;
  siginfo_t info{};
  int r = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  // An error means that there is nothing left to wait for, as with a zombie. Otherwise pid 0 means "not yet".
  return r != 0 || info.si_pid == pid_;
}

bool Child::exited_with_0() const noexcept {
  siginfo_t info{};
  int r = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return r == 0 && info.si_pid == pid_ && info.si_code == CLD_EXITED && info.si_status == 0;
}

spawn::ExitStatus Child::reap() noexcept {
  siginfo_t info{};
  int r = pidfd_ ? ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG)
                 : ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
  int code = errno;
  reaped_ = true;
  pidfd_.reset();
  // Nothing else in the daemon waits for this child, and the kernel does not reap it (spawn.cpp checked);
  // should that happen after all, it is reported instead of a made-up status.
  if (r != 0) return spawn::SpawnFailed{spawn::SpawnStage::pidfd, code};
  return as_status(info);
}

bool Child::group_is_gone() const noexcept {
  // Orphans of the group may be ours by now (a subreaper, or process 1), and their zombies would hold it.
  for (;;) {
    siginfo_t info{};
    int r = ::waitid(P_PGID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    // Our leader is reaped: a process with its number is a later child, which only its own Child may reap.
    if (r != 0 || info.si_pid == 0 || info.si_pid == pid_) break;
    if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG) != 0) break;
  }
  // A process with that number exists, so it was reused, which never happens to a number that a group still
  // has.
  if (::kill(pid_, 0) == 0 || errno == EPERM) return true;
  return ::kill(-pid_, 0) != 0 && errno == ESRCH;
}

}  // namespace gracevisor::process
