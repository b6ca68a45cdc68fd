// Which process holds which socket, according to /proc. Everything may change while it is read: a process
// that vanishes is left out. Thread: any; reads all of /proc, so use it once per question, never in a loop.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "base/strong.h"
#include "inspect/process_table.h"

namespace gracevisor::inspect {

using SocketSet = std::set<ino_t>;

struct HeldSockets {
  SocketSet inodes;
  bool complete = true;  // false: a process hid its descriptors, or this process had none left to look with
};

// The sockets of one process.
[[nodiscard]] HeldSockets sockets_of(base::Pid pid);

// The sockets of all members of the session that `leader` leads and of all descendants of `leader`.
[[nodiscard]] HeldSockets sockets_of_instance(const ProcessTable& table, base::Pid leader);
// Any process that holds the socket; unset when none is visible.
[[nodiscard]] std::optional<base::NamedProcess> holder_of(const ProcessTable& table, ino_t socket);

}  // namespace gracevisor::inspect
