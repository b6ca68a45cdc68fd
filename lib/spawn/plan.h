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

// As setrlimit(2) takes them; the highest number is no limit.
struct ResourceLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const ResourceLimit&) const = default;
};

// Unset: as the helper finds it.
struct Limits {
  std::optional<ResourceLimit> open_files = std::nullopt;
  std::optional<ResourceLimit> processes = std::nullopt;
  std::optional<ResourceLimit> core = std::nullopt;
  std::optional<std::int32_t> nice = std::nullopt;
  std::optional<std::uint16_t> io_priority = std::nullopt;  // as ioprio_set(2) takes it
  std::optional<std::int32_t> oom_score_adj = std::nullopt;
  // Of all its processes together, held by its cgroup.
  std::optional<std::uint64_t> memory = std::nullopt;  // bytes
  std::optional<std::uint64_t> tasks = std::nullopt;   // processes and threads
  std::optional<std::uint32_t> cpu = std::nullopt;     // percent of one CPU
  bool operator==(const Limits&) const = default;
};

// A set of capabilities has a bit for each.
[[nodiscard]] constexpr bool has_capability(std::uint64_t set, int number) {
  return ((set >> static_cast<unsigned>(number)) & 1U) != 0;
}

// Everything that one incarnation's process is made from, ready to be sent to the helper.
struct SpawnPlan {
  std::string program;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "KEY=VALUE"
  std::string directory;
  std::optional<Credentials> credentials;
  std::string cgroup = {};  // the folder of the one to be made for it, in one that exists; empty: none
  Limits limits = {};
  std::uint32_t umask = 022;
  // A bit for each capability that is kept (bit 0: CAP_CHOWN), and that the process may ever have. 0: those
  // that follow from the user. Otherwise there are credentials of a user that is not root.
  std::uint64_t capabilities = 0;
  bool no_new_privileges = false;
  bool private_tmp = false;
  std::vector<std::string> read_only = {};  // absolute paths
  // The soft limit on open files unless `limits` has one: the daemon's own before it raised it. Unset: the
  // daemon's current limit.
  std::optional<std::uint64_t> open_files = std::nullopt;
  // A descriptor of the daemon that the program gets as number 3, with LISTEN_FDS, LISTEN_PID and
  // LISTEN_FDNAMES describing it (sd_listen_fds(3)); -1: none.
  int listener = -1;
  // Descriptors of the daemon that the program gets as standard input and output; -1: nothing to read, and a
  // pipe to the daemon. Not part of what is sent.
  int in = -1;
  int out = -1;
  bool trial = false;  // trial.h: nothing is executed
};

}  // namespace gracevisor::spawn
