// What signals mean to the daemon. Once it has read its configuration they are blocked, and its loop reads
// them one by one: one that comes earlier is kept until then, and none can cut short what is still to be
// written. Thread: the main one, before any other begins.
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

// The terminal's foreground belongs to the keeper: what stops other jobs that write to it does not stop the
// daemon.
void leave_terminal();

// Blocks all signals, for later threads too, except those that report a fault of our own (SIGSEGV and the
// like) and those by which a terminal stops its jobs.
void hold_signals();

}  // namespace gracevisor::daemon
