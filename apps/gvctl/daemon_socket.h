// Where the daemon's control socket is. Thread: the program's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "gvctl/command_line.h"

namespace gracevisor::gvctl {

// As the command line says: the socket, or the configuration that tells it; else the default.
[[nodiscard]] base::Expected<std::string> find_socket(const CommandLine& line,
                                                      std::string_view xdg_runtime_dir);

// The control sockets on which daemons listen, by /proc/net/unix: for a user who asked at the wrong place.
[[nodiscard]] std::vector<std::string> listening_daemons(const std::string& table = "/proc/net/unix");

}  // namespace gracevisor::gvctl
