// Process signals as loop events: read from a signalfd(2), so that no handler ever interrupts the program,
// and a storm of signals keeps it from nothing. Thread: the loop's; every other thread must block the signals
// that are watched. A process has one watch of each signal.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>

#include "base/signal_fd.h"
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
  ~Signals() = default;

 private:
  Signals(base::SignalFd source, std::function<void(int)> on_signal)
      : on_signal_(std::move(on_signal)), source_(std::move(source)) {}
  void tell();

  std::function<void(int)> on_signal_;
  base::SignalFd source_;
  std::unique_ptr<FdWatch> readable_;
};

}  // namespace gracevisor::loop
