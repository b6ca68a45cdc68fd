// Does the process that listens on a port or a Unix socket's path belong to the instance? Without this check,
// a foreign process's answer would pass for the instance's health. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/strong.h"
#include "decide/ownership.h"

namespace gracevisor::inspect {

using decide::ListenerOwner;
using decide::Ownership;

// `pid` leads the instance's session.
[[nodiscard]] ListenerOwner find_listener_owner(base::Port port, base::Pid pid);
[[nodiscard]] ListenerOwner find_listener_owner(const std::filesystem::path& socket, base::Pid pid);
// For an instance's address: one of the two above.
[[nodiscard]] ListenerOwner find_listener_owner(const base::Address& address, base::Pid pid);

// For a socket that the daemon itself listens on, and passed to the instance: nobody but the instance can
// accept. The detail says so if it does not; `elsewhere` leaves the passed socket out.
[[nodiscard]] ListenerOwner find_passed_listener(const std::filesystem::path& socket, base::Pid pid);
// Who listens on the first of these ports on which anyone does: "port 8000 is held by pid 77 (python3)";
// empty: no one does.
[[nodiscard]] std::string find_port_holder(const std::vector<base::Port>& ports);

}  // namespace gracevisor::inspect
