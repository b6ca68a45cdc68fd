// What one process is made from. User look-ups, placeholders and files are already resolved by the daemon:
// gv-exec looks nothing up. Thread: values, any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gracevisor::spawn {

struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;
  std::string home;
  std::string shell;
};

// Everything that one incarnation's process is made from, ready to be sent to the helper.
struct SpawnPlan {
  std::string program;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "KEY=VALUE"
  std::string directory;
  std::optional<Credentials> credentials;
  // The soft limit on open files to run with: the daemon's own before it raised it. Unset: the daemon's
  // current limit.
  std::optional<std::uint64_t> open_files = std::nullopt;
  // A descriptor of the daemon that the program gets as number 3, with LISTEN_FDS, LISTEN_PID and
  // LISTEN_FDNAMES describing it (sd_listen_fds(3)); -1: none.
  int listener = -1;
  // Descriptors of the daemon that the program gets as standard input and output; -1: nothing to read, and a
  // pipe to the daemon. Not part of what is sent.
  int in = -1;
  int out = -1;
};

}  // namespace gracevisor::spawn
