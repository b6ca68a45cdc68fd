// Does the process that listens on a port or a Unix socket's path belong to the instance? Otherwise a foreign
// process's answer would pass for the instance's health. Thread: the supervisor's.
#pragma once

#include <filesystem>

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

}  // namespace gracevisor::inspect
