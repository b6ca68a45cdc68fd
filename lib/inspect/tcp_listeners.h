// The TCP sockets that listen in our network namespace, all of them or those of one port: from sock_diag, or
// from /proc/net/tcp* if sock_diag fails. Thread: any; blocks only in system calls.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace gracevisor::inspect {

struct TcpListener {
  base::Address address;
  bool v6_only = false;  // an IPv6 socket that refuses IPv4
  ino_t inode = 0;       // its name in /proc/PID/fd: "socket:[4711]"
};

// With a port, the kernel returns only that port's sockets: this costs next to nothing, however many other
// sockets listen.
[[nodiscard]] base::Expected<std::vector<TcpListener>> tcp_listeners(std::optional<base::Port> port = {});

// The two sources, separate for tests. /proc does not show v6_only, which is then assumed to be false.
[[nodiscard]] base::Expected<std::vector<TcpListener>> tcp_listeners_by_netlink(
    std::optional<base::Port> port = {});
[[nodiscard]] base::Expected<std::vector<TcpListener>> tcp_listeners_by_proc(
    const std::filesystem::path& folder = "/proc/net", std::optional<base::Port> port = {});

}  // namespace gracevisor::inspect
