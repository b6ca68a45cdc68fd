// Does the process that listens on a port or a Unix socket's path belong to the instance? Otherwise a
// stranger's answer would pass for the instance's health. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/strong.h"

namespace gracevisor::supervise {

enum class Ownership {
  own,      // a process of the instance's session or below its pid listens
  foreign,  // somebody else does
  nobody,   // no listener on that port of 127.0.0.1 or a wildcard, or at that path
  unknown,  // /proc or sock_diag did not tell (another user's namespace, hidepid)
};

struct ListenerOwner {
  Ownership ownership = Ownership::unknown;
  std::string detail;                  // "port 20004 is held by pid 77 (nginx)"
  std::vector<std::string> elsewhere;  // where the instance's own processes listen instead: "[::1]:3000"
};

// `pid` leads the instance's session.
[[nodiscard]] ListenerOwner find_listener_owner(base::Port port, base::Pid pid);
[[nodiscard]] ListenerOwner find_listener_owner(const std::filesystem::path& socket, base::Pid pid);
// Of an instance's address: one of the two.
[[nodiscard]] ListenerOwner find_listener_owner(const base::Address& address, base::Pid pid);

}  // namespace gracevisor::supervise
