// The parent of the processes: it starts them, and it alone can wait for them. The code that follows a
// process's life (life.h) sees its end at the pidfd, and sends it signals by pidfd or by number; neither
// requires being its parent. It asks the parent for what only a parent can do. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/exit_status.h"
#include "spawn/failure.h"
#include "spawn/launcher.h"

namespace gracevisor::process {

class Parent {
 public:
  // A process that leads its own session and group. Until it is reaped, its number cannot mean another
  // process.
  struct Spawned {
    pid_t pid = 0;
    // Becomes readable when the process ends. Without it, as when another thread has taken the last
    // descriptor, ended() has to be called again and again.
    base::Expected<base::UniqueFd> pidfd;
  };

  // Starts the helper, gv-exec, with these descriptors. On an error no child exists.
  [[nodiscard]] virtual std::expected<Spawned, spawn::SpawnFailed> spawn(const spawn::HelperFds& order) = 0;
  // How the child ended; unset while it lives. It stays a zombie, which pins its number and its group's.
  [[nodiscard]] virtual std::optional<spawn::ExitStatus> ended(pid_t child) = 0;
  // Gives up the child's number. Requires: ended(child). A SpawnFailed with stage `pidfd`: its status is
  // lost.
  virtual spawn::ExitStatus reap(pid_t child) = 0;
  // Reaps the group's other processes that have ended and that were handed to the parent when their own
  // parents died. Requires: the group's leader is reaped.
  virtual void reap_orphans(pid_t group) = 0;

 protected:
  ~Parent() = default;
};

}  // namespace gracevisor::process
