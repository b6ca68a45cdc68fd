#include "process/pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::process {

// The system calls themselves: the C library's header for them lacks extern "C" in Debian 12 (glibc 2.36).

base::Expected<base::UniqueFd> open_pidfd(pid_t pid) {
  long fd = ::syscall(SYS_pidfd_open, pid, 0U);
  if (fd < 0) return base::fail_errno("cannot open a pidfd", errno);
  return base::UniqueFd(static_cast<int>(fd));
}

bool send_by_pidfd(const base::UniqueFd& pidfd, int signal) noexcept {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0U) == 0;
}

}  // namespace gracevisor::process
