// Which process holds which socket, as /proc tells it. Everything may change while it is read: a process that
// vanishes is left out. Thread: any; reads all of /proc, so once per question, never in a loop.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong.h"

namespace gracevisor::supervise {

using SocketSet = std::set<ino_t>;

struct HeldSockets {
  SocketSet inodes;
  bool complete =
      true;  // false: a process would not show its descriptors, or there were none of ours to look
};

struct NamedProcess {
  base::Pid pid;
  std::string name;
};

// The sockets of one process.
[[nodiscard]] HeldSockets sockets_of(base::Pid pid);

// One look at the process table.
class ProcessTable {
 public:
  [[nodiscard]] static ProcessTable read();

  // The sockets of all members of the session that `leader` leads and of all descendants of `leader`.
  [[nodiscard]] HeldSockets sockets_of_instance(base::Pid leader) const;
  // Any process that holds the socket; unset when none is visible.
  [[nodiscard]] std::optional<NamedProcess> holder_of(ino_t socket) const;

 private:
  struct Process {
    base::Pid pid;
    base::Pid parent;
    base::Pid session;
    std::string name;
  };
  [[nodiscard]] static base::Expected<Process> read_process(base::Pid pid);
  [[nodiscard]] std::set<base::Pid> instance(base::Pid leader) const;

  std::vector<Process> processes_;
  bool complete_ = true;  // false: descriptors or memory ran out while it was read
};

}  // namespace gracevisor::supervise
