#include "loop/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gracevisor::loop {

base::Expected<std::unique_ptr<Signals>> Signals::create(Loop& loop, std::initializer_list<int> which,
                                                         std::function<void(int)> on_signal) {
  std::unique_ptr<Signals> signals(new Signals);
  (void)::sigemptyset(&signals->blocked_);
  signals->on_signal_ = std::move(on_signal);
  if (auto watched = signals->watch(which); !watched) return std::unexpected(watched.error());
  auto readable = FdWatch::create(loop, signals->fd_.get(), FdWatch::Interest::readable,
                                  [s = signals.get()] { s->tell(); });
  if (!readable) return std::unexpected(readable.error());
  signals->readable_ = std::move(*readable);
  signals->readable_->leave_loop_free();
  return signals;
}

base::Expected<void> Signals::watch(std::initializer_list<int> which) {
  sigset_t before;
  if (int code = ::pthread_sigmask(SIG_BLOCK, nullptr, &before); code != 0) {
    return base::fail_errno("cannot read the signal mask", code);
  }
  sigset_t wanted;
  (void)::sigemptyset(&wanted);
  for (int number : which) {
    if (::sigaddset(&wanted, number) != 0) {
      return base::fail_errno("cannot watch signal " + std::to_string(number), errno);
    }
    if (::sigismember(&before, number) == 0) (void)::sigaddset(&blocked_, number);
  }
  if (int code = ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr); code != 0) {
    return base::fail_errno("cannot block signals", code);
  }
  for (int number : which) {
    // From being ignored as well: with SIGCHLD ignored the kernel leaves no zombies to be waited for.
    if (std::signal(number, SIG_DFL) == SIG_ERR) {
      return base::fail_errno("cannot watch signal " + std::to_string(number), errno);
    }
  }
  fd_ = base::UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) return base::fail_errno("cannot watch signals", errno);
  return {};
}

Signals::~Signals() {
  readable_.reset();
  (void)::pthread_sigmask(SIG_UNBLOCK, &blocked_, nullptr);  // a set that was valid before
}

void Signals::tell() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;  // EAGAIN: no more
  // A copy: the owner may destroy the watch in its callback.
  auto call = on_signal_;
  call(static_cast<int>(info.ssi_signo));
}

}  // namespace gracevisor::loop
