// One process as /proc shows it, and how to recognise it again: another process may reuse a pid, but not a
// pid together with its start time (until the machine reboots). Thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"

namespace gracevisor::base {

struct ProcessEntry {
  pid_t pid = 0;
  std::string name;  // at most 15 bytes; the program's choice
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  bool exiting = false;
  std::uint64_t started = 0;   // clock ticks since the machine booted
  std::uint64_t ran = 0;       // clock ticks of CPU time, with those of children that it has waited for
  std::uint64_t resident = 0;  // pages

  // Not a zombie.
  [[nodiscard]] bool lives() const { return state != 'Z' && state != 'X'; }
  [[nodiscard]] bool is(pid_t number, std::uint64_t start) const { return pid == number && started == start; }
};

struct NamedProcess {
  Pid pid;
  std::string name;
};
// "pid 4711 (server), pid 4712 (server)"
[[nodiscard]] std::string text(const std::vector<NamedProcess>& processes);

// Parses the content of /proc/PID/stat; on failure, ESRCH.
[[nodiscard]] std::expected<ProcessEntry, int> parse_process_entry(std::string_view stat);
// On failure an errno: ENOENT or ESRCH if there is no such process.
[[nodiscard]] std::expected<ProcessEntry, int> read_process_entry(pid_t pid);

// At most `limit` bytes of a file in /proc/PID; on failure an errno.
[[nodiscard]] std::expected<std::string, int> read_process_file(pid_t pid, const char* name,
                                                                std::size_t limit);

}  // namespace gracevisor::base
