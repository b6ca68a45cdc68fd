#include "base/signal_fd.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gracevisor::base {

Expected<SignalFd> SignalFd::open(std::initializer_list<int> which) {
  sigset_t before;
  if (int code = ::pthread_sigmask(SIG_BLOCK, nullptr, &before); code != 0) {
    return fail_errno("cannot read the signal mask", code);
  }
  sigset_t wanted;
  sigset_t blocked;
  (void)::sigemptyset(&wanted);
  (void)::sigemptyset(&blocked);
  for (int number : which) {
    if (::sigaddset(&wanted, number) != 0) {
      return fail_errno("cannot watch signal " + std::to_string(number), errno);
    }
    if (::sigismember(&before, number) == 0) (void)::sigaddset(&blocked, number);
  }
  if (int code = ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr); code != 0) {
    return fail_errno("cannot block signals", code);
  }
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    const int code = errno;
    (void)::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);  // a set that was valid before
    return fail_errno("cannot watch signals", code);
  }
  return SignalFd(std::move(fd), blocked);
}

SignalFd::~SignalFd() {
  if (fd_) (void)::pthread_sigmask(SIG_UNBLOCK, &blocked_, nullptr);
}

std::optional<int> SignalFd::take() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace gracevisor::base
