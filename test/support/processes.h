// What processes there are, read from /proc: for asserting that none is left over. Thread: the test's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace gracevisor::test {

// All processes below `root`, itself not included; zombies that wait for their parent are not counted.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t root);
// Running or stopped, but not a zombie.
[[nodiscard]] bool alive(pid_t pid);
[[nodiscard]] std::string command_line(pid_t pid);
[[nodiscard]] std::size_t open_descriptors(pid_t pid);
[[nodiscard]] std::size_t resident_kib(pid_t pid);
// It has a socket and sleeps: a gvctl that has asked, and whose answer is due.
[[nodiscard]] bool awaits_answer(pid_t pid);
#ifdef GV_SANITIZED
// What a sanitizer keeps (ASan: freed memory, up to 256 MB) is not the daemon's: bounds then say nothing.
inline constexpr bool kMemoryIsOurs = false;
#else
inline constexpr bool kMemoryIsOurs = true;
#endif

// From now on orphans below this process become its children instead of init's, so that descendants_of()
// still finds them when their parent is gone.
void adopt_orphans();
// Kills and reaps all descendants that are left; returns their pids and command lines.
std::vector<std::string> kill_leftovers();

}  // namespace gracevisor::test
