// Who listens on an instance's address, as a value: a decider is told, and never asks the kernel. The answer
// comes with the events that depend on it: Instance::needs_owner() says which. Thread: any; values.
#pragma once

#include <string>
#include <vector>

namespace gracevisor::decide {

enum class Ownership {
  own,      // a process of the instance's session, or a descendant of its main process, listens
  foreign,  // another process does
  nobody,   // no listener on that port of 127.0.0.1 or a wildcard, or at that path
  unknown,  // /proc or sock_diag did not tell (another user's namespace, hidepid)
};

struct ListenerOwner {
  Ownership ownership = Ownership::unknown;
  std::string detail;                  // "port 20004 is held by pid 77 (nginx)"
  std::vector<std::string> elsewhere;  // where the instance's own processes listen instead: "[::1]:3000"
};

}  // namespace gracevisor::decide
