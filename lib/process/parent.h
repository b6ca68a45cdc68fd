// The parent of the processes: it starts them, is told when they end, and pins their numbers until they are
// reaped. The code that follows a process's life (life.h) sends it signals, by pidfd or by number, which
// requires no parenthood; it asks the parent for what only a parent can do. In the daemon that is its keeper
// (keeper_parent.h). Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "spawn/exit_status.h"
#include "spawn/failure.h"
#include "spawn/launcher.h"

namespace gracevisor::process {

// A process that leads its own session and group. Until it is reaped, its number cannot mean another process.
struct Spawned {
  pid_t pid = 0;
  base::UniqueFd pidfd;  // may be empty when descriptors are scarce: signals then go by number
};

// The end of a child.
struct ChildEnd {
  spawn::ExitStatus status;
  bool alone = false;  // nothing that came from it is left; else it is not known
};

// What a parent tells of one child; never from inside a call to the parent.
class ChildWatcher {
 public:
  // First. On an error no child exists, and nothing follows.
  virtual void on_started(std::expected<Spawned, spawn::SpawnFailed> started) = 0;
  // How it ended. It stays a zombie, which pins its number and its group's, until reap(); but if that is
  // spawn::Unknown, another parent has it, and its number may already mean another process.
  virtual void on_ended(const ChildEnd& end) = 0;

 protected:
  ~ChildWatcher() = default;
};

// Whose child it is, for whoever finds it after the daemon has died. App, generation and slot together name
// one child at most: a parent starts no second one.
struct ChildName {
  std::string app;       // at most 63 bytes
  std::string endpoint;  // at most 127 bytes
  std::uint64_t generation = 0;
  std::uint64_t incarnation = 0;
  std::uint32_t slot = 0;
};

struct ChildOrder {
  ChildName name;
  spawn::HelperFds fds;  // of gv-exec
  // Copies of our ends, for the next daemon.
  base::UniqueFd kept_out;
  base::UniqueFd kept_err;
  base::UniqueFd kept_report;
};

class Parent {
 public:
  // Starts the helper, gv-exec; both calls of `watcher` follow.
  virtual void spawn(ChildOrder order, ChildWatcher& watcher) = 0;
  // A child that was there before this daemon, and how it ended, if it has: on_ended() follows.
  virtual void watch(pid_t child, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) = 0;
  // No call follows. A child that has not started yet is killed when it does.
  virtual void forget(ChildWatcher& watcher) = 0;
  // Gives up the child's number. Requires: on_ended() was called.
  virtual void reap(pid_t child) = 0;
  // How many that were ordered are not started yet.
  [[nodiscard]] virtual std::size_t waiting() const = 0;
  // Whose children they are, and who is given their orphans.
  [[nodiscard]] virtual pid_t pid() const = 0;

 protected:
  ~Parent() = default;
};

}  // namespace gracevisor::process
