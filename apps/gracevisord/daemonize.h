// gracevisord --daemonize: the keeper is started in a session of its own, and this process waits until its
// daemon serves. How it knows is what a service manager is told, too: READY=1 in $NOTIFY_SOCKET
// (sd_notify(3)). Until then it passes on what they write to standard error; afterwards nobody reads that,
// and the daemon's log is a file. Thread: the start-up's.
#pragma once

namespace gracevisor::daemon {

// Returns this process's exit status: 0 when the daemon serves, otherwise that of the keeper, or 1. A signal
// that asks this process to end is passed on.
[[nodiscard]] int daemonize(char** argv);

}  // namespace gracevisor::daemon
