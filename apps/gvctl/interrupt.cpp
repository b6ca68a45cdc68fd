#include "gvctl/interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::gvctl {

base::Expected<Interrupt> Interrupt::watch() {
  sigset_t wanted;
  sigset_t before;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  sigaddset(&wanted, SIGTERM);
  if (int code = ::pthread_sigmask(SIG_BLOCK, &wanted, &before); code != 0) {
    return base::fail_errno("cannot block signals", code);
  }
  base::UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    int code = errno;
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);  // the mask it had: cannot fail
    return base::fail_errno("cannot watch for signals", code);
  }
  return Interrupt(std::move(fd), before);
}

Interrupt::~Interrupt() {
  if (!fd_) return;
  // The signal that ended a wait has been handled; only later ones count.
  signalfd_siginfo seen{};
  (void)::read(fd_.get(), &seen, sizeof seen);  // EAGAIN: there was none
  (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace gracevisor::gvctl
