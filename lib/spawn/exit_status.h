// How a process ended: a variant, not an int. Thread: values, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "spawn/failure.h"

namespace gracevisor::spawn {

struct Exited {
  int code = 0;
  std::size_t left = 0;  // with code 0, if not asked to stop: how many of its processes kept running
  bool operator==(const Exited&) const = default;
};
struct Signaled {
  int signal = 0;
  bool core = false;
  bool out_of_memory = false;  // it was the kernel's, for limits.memory or for the machine's
  bool operator==(const Signaled&) const = default;
};

// It has ended after its parent did, which alone would have learnt how.
struct Unknown {
  bool operator==(const Unknown&) const = default;
};

using ExitStatus = std::variant<Exited, Signaled, SpawnFailed, Unknown>;

// "exit 1", "exit 0 with 2 processes left: the command must stay in the foreground (…)", "signal 9 (KILL)",
// "cannot execute: /srv/run.sh: its interpreter /usr/bin/nopython does not exist".
[[nodiscard]] std::string text(const ExitStatus& status);
// It was not started because the daemon's side lacked an address, descriptors, memory or processes: not the
// app's fault.
[[nodiscard]] bool own_shortage(const ExitStatus& status);
// Exit 0, or a signal in the clean set (HUP INT TERM PIPE): "on-failure" does not restart it.
[[nodiscard]] bool clean(const ExitStatus& status);

}  // namespace gracevisor::spawn
