#include "inspect/process_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

namespace gracevisor::inspect {
namespace {

// An environment can have megabytes. Marks beyond this size are not looked for.
constexpr std::size_t kEnvironment = 256U << 10;
constexpr std::size_t kStat = 4096;
constexpr std::size_t kMostAncestors = 1024;
constexpr std::string_view kKeeperName = "gv-keeper";

std::optional<pid_t> number_in(std::string_view name) {
  pid_t pid = 0;
  auto [rest, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (failed != std::errc() || rest != name.data() + name.size()) return std::nullopt;
  return pid;
}

// Is an environment that was read as empty really one? While execve(2) replaces the memory, the file has
// nothing to show (fs/proc/base.c, environ_read). Where the environment begins and ends is told too early
// (create_elf_tables), where the code begins only once everything is in place (load_elf_binary). A thread of
// the kernel and a process that is ending have no memory, and never will.
bool executes(pid_t pid) {
  constexpr unsigned long kExiting = 0x4;  // PF_EXITING and PF_KTHREAD, include/linux/sched.h
  constexpr unsigned long kKernelThread = 0x00200000;
  // proc_pid_stat(5); the first field behind the name is the third.
  constexpr std::size_t kFlags = 9 - 3;
  constexpr std::size_t kCodeStart = 26 - 3;
  constexpr std::size_t kEnvStart = 50 - 3;
  auto stat = base::read_process_file(pid, "stat", kStat);
  if (!stat) return false;
  std::istringstream fields(stat->substr(std::min(stat->rfind(')') + 1, stat->size())));
  const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
  if (words.size() < kEnvStart + 2 || words[0] == "Z" || words[0] == "X") return false;
  unsigned long flags = 0;
  (void)std::from_chars(words[kFlags].data(), words[kFlags].data() + words[kFlags].size(), flags);
  if ((flags & (kExiting | kKernelThread)) != 0) return false;
  return words[kCodeStart] == "0" || words[kEnvStart] != words[kEnvStart + 1];
}

bool is_gone(int code) {
  return code == ENOENT || code == ESRCH;
}

}  // namespace

std::optional<ProcessMarks> marks_in(std::string_view environment) {
  ProcessMarks marks;
  bool marked = false;
  while (!environment.empty()) {
    std::string_view entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    auto value = [entry](std::string_view key) { return std::string(entry.substr(key.size())); };
    if (entry.starts_with("GV_STATE=")) marks.state = value("GV_STATE=");
    if (entry.starts_with("GV_INSTANCE=")) marks.instance = value("GV_INSTANCE=");
    if (!entry.starts_with("GV_APP=")) continue;
    marks.app = value("GV_APP=");
    marked = true;
  }
  return marked ? std::optional(std::move(marks)) : std::nullopt;
}

MarksSeen read_marks(pid_t pid) {
  auto environment = base::read_process_file(pid, "environ", kEnvironment);
  if (!environment) return {};
  return {marks_in(*environment), environment->empty() && executes(pid)};
}

bool is_keeper(const base::ProcessEntry& entry) {
  if (entry.name != kKeeperName || !entry.lives()) return false;
  std::error_code hidden;
  auto file = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", entry.pid), hidden);
  // " (deleted)" follows if an upgrade has replaced it.
  return hidden || file.filename().string().starts_with(kKeeperName);
}

ProcessTable ProcessTable::of(std::vector<Entry> entries) {
  ProcessTable table;
  table.entries_ = std::move(entries);
  table.seal();
  return table;
}

void ProcessTable::seal() {
  std::ranges::sort(entries_, {}, &Entry::pid);
  auto again = std::ranges::unique(entries_, {}, &Entry::pid);
  entries_.erase(again.begin(), again.end());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    by_parent_.emplace(entries_[i].parent, i);
    by_session_.emplace(entries_[i].session, i);
    by_group_.emplace(entries_[i].group, i);
  }
}

const base::ProcessEntry* ProcessTable::find(pid_t pid) const {
  auto found = std::ranges::lower_bound(entries_, pid, {}, &Entry::pid);
  return found != entries_.end() && found->pid == pid ? &*found : nullptr;
}

ProcessTable::Members ProcessTable::of(const Index& index, pid_t pid) const {
  Members members;
  auto [first, last] = index.equal_range(pid);
  for (auto it = first; it != last; ++it) members.push_back(&entries_[it->second]);
  return members;
}

// A number that was reused while the table was read could form a cycle.
ProcessTable::Members ProcessTable::ancestors_of(const Entry& entry) const {
  Members ancestors;
  const Entry* above = find(entry.parent);
  while (above != nullptr && ancestors.size() < kMostAncestors) {
    ancestors.push_back(above);
    above = find(above->parent);
  }
  return ancestors;
}

bool ProcessTable::below_keeper(const Entry& entry, pid_t own) const {
  return std::ranges::any_of(ancestors_of(entry), [own](const Entry* ancestor) {
    return ancestor->pid != own && is_keeper(*ancestor);
  });
}

ProcessScan::ProcessScan() : folder_(::opendir("/proc")) {}

bool ProcessScan::step(base::Duration slice) {
  if (!folder_) {
    table_.complete_ = false;
    return true;
  }
  auto end = std::chrono::steady_clock::now() + slice;
  do {
    errno = 0;
    const dirent* name = ::readdir(folder_.get());
    if (name == nullptr) {
      table_.complete_ = table_.complete_ && errno == 0;
      return true;
    }
    auto pid = number_in(name->d_name);
    if (!pid) continue;
    auto entry = base::read_process_entry(*pid);
    if (entry) {
      table_.entries_.push_back(std::move(*entry));
    } else if (!is_gone(entry.error()) && entry.error() != EACCES && entry.error() != EPERM) {
      table_.complete_ = false;
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

ProcessTable ProcessScan::take() {
  folder_.reset();
  table_.seal();
  return std::move(table_);
}

ProcessTable read_process_table() {
  ProcessScan scan;
  while (!scan.step(std::chrono::seconds(1))) {
  }
  return scan.take();
}

}  // namespace gracevisor::inspect
