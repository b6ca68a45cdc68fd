// Ctrl-C (SIGINT) and SIGTERM as a descriptor that becomes readable, for as long as the object lives: a wait
// can then end with a message instead of the process dying. Thread: the program's only one.
#pragma once

#include <csignal>

#include "base/error.h"
#include "base/signal_fd.h"

namespace gracevisor::gvctl {

class Interrupt {
 public:
  [[nodiscard]] static base::Expected<Interrupt> watch();
  Interrupt(Interrupt&& other) noexcept = default;
  Interrupt& operator=(Interrupt&&) = delete;
  // The signal that ended the wait is consumed; another one is delivered now.
  ~Interrupt();

  [[nodiscard]] int descriptor() const noexcept { return source_.descriptor(); }

 private:
  explicit Interrupt(base::SignalFd source) noexcept : source_(std::move(source)) {}

  base::SignalFd source_;
};

}  // namespace gracevisor::gvctl
