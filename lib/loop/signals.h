// Process signals as loop events: read from a signalfd(2), so that no handler ever interrupts the program,
// and a storm of signals keeps it from nothing. Thread: the loop's; every other thread must block the signals
// that are watched. A process has one watch of each signal.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>

#include "base/unique_fd.h"
#include "loop/fd_watch.h"

namespace gracevisor::loop {

class Signals {
 public:
  // Takes `which` from their handlers, also from being ignored. A signal that came more than once before it
  // was told is told once. Those that cannot be watched (SIGKILL, SIGSTOP) are an error.
  [[nodiscard]] static base::Expected<std::unique_ptr<Signals>> create(Loop& loop,
                                                                       std::initializer_list<int> which,
                                                                       std::function<void(int)> on_signal);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // The thread's mask is as before, and the signals do what they do by default.
  ~Signals();

 private:
  Signals() = default;
  base::Expected<void> watch(std::initializer_list<int> which);
  void tell();

  std::function<void(int)> on_signal_;
  sigset_t blocked_{};  // by us: to be given back
  base::UniqueFd fd_;
  std::unique_ptr<FdWatch> readable_;
};

}  // namespace gracevisor::loop
