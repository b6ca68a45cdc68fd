#include "support/processes.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>

#include "support/temp_folder.h"

namespace gracevisor::test {
namespace {

std::filesystem::path proc(pid_t pid, const char* what) {
  return std::filesystem::path("/proc") / std::to_string(pid) / what;
}

struct Stat {
  char state = 'X';
  pid_t parent = 0;
};

// /proc/PID/stat, read behind the last ')': the name before it may contain anything.
std::optional<Stat> read_stat(pid_t pid) {
  std::string text = content_of(proc(pid, "stat"));
  std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  Stat stat;
  if (!(rest >> stat.state >> stat.parent)) return std::nullopt;
  return stat;
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", problem)) {
    std::string name = entry.path().filename();
    pid_t pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    auto stat = read_stat(pid);
    if (stat && stat->state != 'Z' && stat->state != 'X') children.emplace(stat->parent, pid);
  }
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto [first, last] = children.equal_range(found[i]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  return found;
}

bool alive(pid_t pid) {
  auto stat = read_stat(pid);
  return stat && stat->state != 'Z' && stat->state != 'X';
}

std::string command_line(pid_t pid) {
  std::string text = content_of(proc(pid, "cmdline"));
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::size_t open_descriptors(pid_t pid) {
  std::error_code problem;
  auto entries = std::filesystem::directory_iterator(proc(pid, "fd"), problem);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t resident_kib(pid_t pid) {
  std::istringstream status(content_of(proc(pid, "status")));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) {
      std::size_t kib = 0;
      std::istringstream(line.substr(6)) >> kib;
      return kib;
    }
  }
  return 0;
}

bool awaits_answer(pid_t pid) {
  std::error_code problem;
  bool asks = false;
  for (const auto& entry : std::filesystem::directory_iterator(proc(pid, "fd"), problem)) {
    asks = asks || std::filesystem::read_symlink(entry.path(), problem).string().starts_with("socket:");
  }
  const std::string stat = content_of(proc(pid, "stat"));
  const auto name_ends = stat.rfind(") ");
  return asks && name_ends != std::string::npos && stat.at(name_ends + 2) == 'S';
}

void adopt_orphans() {
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::vector<std::string> kill_leftovers() {
  std::vector<std::string> killed;
  // A killed parent hands its children up to us: again until there are none.
  for (auto left = descendants_of(::getpid()); !left.empty(); left = descendants_of(::getpid())) {
    for (pid_t pid : left) {
      killed.push_back(std::to_string(pid) + " " + command_line(pid));
      (void)::kill(pid, SIGKILL);
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return killed;
}

}  // namespace gracevisor::test
