// The Unix sockets that listen in our network namespace: from sock_diag, or from /proc/net/unix if sock_diag
// fails. Thread: any; blocks only in system calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace gracevisor::inspect {

// The file that a socket is bound to, as the kernel's socket table names it. It survives a rename, and
// distinguishes two sockets that were bound to the same path one after the other.
struct SocketFile {
  dev_t device = 0;
  std::uint32_t inode = 0;  // the low 32 bits of its number
  bool operator==(const SocketFile&) const = default;
};

struct UnixListener {
  std::string path;                // as given to bind(), perhaps relative; abstract sockets are left out
  std::optional<SocketFile> file;  // unset if read from /proc
  ino_t inode = 0;                 // its name in /proc/PID/fd: "socket:[4711]"
  std::uint32_t waiting = 0;       // connections that nobody has accepted; 0 if read from /proc
};

[[nodiscard]] base::Expected<std::vector<UnixListener>> unix_listeners();

// The two sources, separate for tests.
[[nodiscard]] base::Expected<std::vector<UnixListener>> unix_listeners_by_netlink();
[[nodiscard]] base::Expected<std::vector<UnixListener>> unix_listeners_by_proc(
    const std::filesystem::path& file = "/proc/net/unix");

// Those of `all` that a connection to `path` reaches.
[[nodiscard]] std::vector<UnixListener> listeners_at(const std::filesystem::path& path,
                                                     const std::vector<UnixListener>& all);

}  // namespace gracevisor::inspect
