// How a process ended: a variant, not an int. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace gracevisor::supervise {

// What the spawn helper was doing when it failed; the values travel through the error pipe.
enum class SpawnStage : std::uint16_t {
  plan,
  setsid,
  signals,
  fds,
  rlimits,
  groups,
  gid,
  uid,
  chdir,
  nnp,
  exec,  // in the helper
  pipe,
  memfd,
  spawn,
  pidfd,
  timeout,
  crashed,  // seen by the daemon
};

struct Exited {
  int code = 0;
  bool operator==(const Exited&) const = default;
};
struct Signaled {
  int signal = 0;
  bool core = false;
  bool operator==(const Signaled&) const = default;
};
struct SpawnFailed {
  SpawnStage stage = SpawnStage::exec;
  int code = 0;
  bool operator==(const SpawnFailed&) const = default;
};

using ExitStatus = std::variant<Exited, Signaled, SpawnFailed>;

// "exit 1", "signal 9 (KILL)", "cannot execute: No such file or directory".
[[nodiscard]] std::string text(const ExitStatus& status);
// exit 0, or a signal of the clean set (HUP INT TERM PIPE): "on-failure" does not restart it.
[[nodiscard]] bool clean(const ExitStatus& status);

}  // namespace gracevisor::supervise
