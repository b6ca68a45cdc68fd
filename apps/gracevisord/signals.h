// What signals mean to the daemon. Once it has read its configuration they are blocked, except while the loop
// turns and hears them: one that comes earlier is kept until then, and one that comes while the daemon ends
// cannot cut short what is still to be written. Thread: the main one, before any other begins.
#pragma once

#include <csignal>
#include <initializer_list>

namespace gracevisor::daemon {

// Those that the loop hears (Daemon::on_signal).
inline constexpr std::initializer_list<int> kHeard = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

// Called first of all: signals that would end the daemon but mean nothing to it (SIGPIPE, SIGALRM, real-time
// signals ...) are ignored from now on, unless a handler is already set. Children get the defaults back
// (spawn/).
void ignore_signals();

// Blocks all signals, for later threads too, except those that report a fault of our own (SIGSEGV and the
// like).
void hold_signals();

// While it lives, the loop hears them.
class SignalsHeard {
 public:
  SignalsHeard();
  SignalsHeard(const SignalsHeard&) = delete;
  SignalsHeard& operator=(const SignalsHeard&) = delete;
  ~SignalsHeard();
};

}  // namespace gracevisor::daemon
