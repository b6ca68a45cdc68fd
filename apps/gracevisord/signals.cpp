#include "signals.h"

#include <pthread.h>

#include <algorithm>
#include <array>

namespace gracevisor::daemon {
namespace {

// If blocked, they would end the process all the same when the fault is its own, and be lost otherwise.
constexpr std::array kFaults = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
constexpr std::array kJobControl = {SIGTSTP, SIGTTIN, SIGTTOU};
// SIGPIPE: a broken connection is just a result. SIGXFSZ: so is a failed write.
constexpr std::array kMeaningless = {SIGPIPE, SIGALRM, SIGVTALRM, SIGPROF,  SIGIO,
                                     SIGPWR,  SIGXCPU, SIGXFSZ,   SIGSTKFLT};

void ignore(int number) {
  struct sigaction now{};
  if (::sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0) return;
  if (now.sa_handler == SIG_DFL) (void)std::signal(number, SIG_IGN);
}

}  // namespace

void ignore_signals() {
  for (int number : kMeaningless) ignore(number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ignore(number);
}

void leave_terminal() {
  for (int number : kJobControl) ignore(number);
}

void hold_signals() {
  sigset_t held;
  (void)::sigfillset(&held);
  for (int number : kFaults) (void)::sigdelset(&held, number);
  for (int number : kJobControl) (void)::sigdelset(&held, number);
  (void)::pthread_sigmask(SIG_SETMASK, &held, nullptr);
}

}  // namespace gracevisor::daemon
