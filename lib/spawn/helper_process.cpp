#include "spawn/helper_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace gracevisor::spawn {

using base::Expected;
using base::UniqueFd;

// By descriptor, because code that collects the daemon's orphans may reap it, and the pid may then belong to
// another process.
HelperProcess::HelperProcess(pid_t pid)
    : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))) {}

HelperProcess::HelperProcess(HelperProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), answered_(other.answered_) {}

HelperProcess::~HelperProcess() {
  if (pid_ == 0) return;
  // Signalling one that has ended does nothing. One that did not answer is not waited for.
  const int how = answered_ && pidfd_ ? WEXITED : WEXITED | WNOHANG;
  if (pidfd_) (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0U);
  siginfo_t info{};
  constexpr auto kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD
  int r = 0;
  do {
    r = pidfd_ ? ::waitid(kByPidfd, static_cast<id_t>(pidfd_.get()), &info, how)
               : ::waitid(P_PID, static_cast<id_t>(pid_), &info, how);
  } while (r != 0 && errno == EINTR);
}

Expected<HelperProcess> HelperProcess::start(const Launcher& launcher, const UniqueFd& plan,
                                             const UniqueFd& report) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return base::fail_errno("cannot open /dev/null", errno);
  HelperFds fds;
  for (auto [to, from] : {std::pair(&fds.in, &null), std::pair(&fds.out, &null), std::pair(&fds.err, &null),
                          std::pair(&fds.plan, &plan), std::pair(&fds.report, &report)}) {
    auto copy = base::duplicate(from->get(), kLowestSource);
    if (!copy) return std::unexpected(copy.error());
    *to = std::move(*copy);
  }
  auto pid = launcher.start(fds);
  if (!pid) return base::fail_errno("cannot start gv-exec", pid.error().code);
  return HelperProcess(*pid);
}

bool wait_to_read(int fd, std::chrono::milliseconds patience) {
  auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() < 0) return false;
    pollfd waited{fd, POLLIN, 0};
    int r = ::poll(&waited, 1, static_cast<int>(left.count()) + 1);
    if (r > 0) return true;
    if (r < 0 && errno != EINTR) return false;
  }
}

}  // namespace gracevisor::spawn
