// Was this process told to end? For what waits before its loop runs, while the signals that say so are
// blocked. Thread: any.
#pragma once

#include <csignal>

namespace gracevisor::base {

[[nodiscard]] inline bool told_to_stop() {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  return ::sigismember(&pending, SIGTERM) == 1 || ::sigismember(&pending, SIGINT) == 1 ||
         ::sigismember(&pending, SIGQUIT) == 1;
}

}  // namespace gracevisor::base
