#include "gvctl/interrupt.h"

namespace gracevisor::gvctl {

base::Expected<Interrupt> Interrupt::watch() {
  auto source = base::SignalFd::open({SIGINT, SIGTERM});
  if (!source) return std::unexpected(source.error());
  return Interrupt(std::move(*source));
}

// The signal that ended a wait has been handled; only later ones count.
Interrupt::~Interrupt() {
  if (source_.descriptor() >= 0) (void)source_.take();
}

}  // namespace gracevisor::gvctl
