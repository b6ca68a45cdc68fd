#include "supervise/process_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "base/unique_fd.h"
#include "supervise/pidfd.h"

namespace gracevisor::supervise {
namespace {

struct Entry {
  pid_t pid = 0;
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  unsigned long long started = 0;

  [[nodiscard]] bool lives() const { return state != 'Z' && state != 'X'; }
};

// The first page of a file of /proc, which is all that is needed of any here.
std::string read_page(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string page(4096, '\0');
  ssize_t n = ::read(fd.get(), page.data(), page.size());
  page.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return page;
}

std::optional<Entry> read_entry(pid_t pid) {
  std::string stat = read_page(fmt::format("/proc/{}/stat", pid));
  // The name in parentheses is the program's choice and may hold spaces and parentheses itself.
  std::size_t after_name = stat.rfind(')');
  if (after_name == std::string::npos) return std::nullopt;
  Entry entry;
  entry.pid = pid;
  // Fields 3 to 6 and 22 of proc(5).
  int n = std::sscanf(stat.c_str() + after_name + 1,
                      " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                      &entry.state, &entry.parent, &entry.group, &entry.session, &entry.started);
  return n == 5 ? std::optional(entry) : std::nullopt;
}

std::vector<Entry> read_table() {
  std::vector<Entry> table;
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc", error);
  for (std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
    std::string name = entries->path().filename().string();
    pid_t pid = 0;
    auto [rest, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || rest != name.data() + name.size()) continue;
    if (auto entry = read_entry(pid)) table.push_back(*entry);
  }
  return table;
}

bool carries(pid_t pid, const std::vector<std::string>& marks) {
  std::string page = '\0' + read_page(fmt::format("/proc/{}/environ", pid));
  return std::ranges::all_of(
      marks, [&page](const std::string& mark) { return page.find('\0' + mark + '\0') != std::string::npos; });
}

class Hunt {
 public:
  explicit Hunt(const ProcessTree& tree) : tree_(tree) {}

  // False once the number of a reaped leader means somebody else.
  [[nodiscard]] bool look() {
    auto table = read_table();
    auto is_leader = [this](const Entry& entry) { return entry.pid == tree_.leader; };
    if (!tree_.leader_known && std::ranges::any_of(table, is_leader)) return false;
    found_new_ = false;
    std::set<pid_t> members;
    for (const auto& entry : table) {
      if (entry.lives() && belongs(entry)) members.insert(entry.pid);
    }
    // Parents may stand behind their children: repeat until nothing is added.
    for (std::size_t before = 0; before != members.size();) {
      before = members.size();
      for (const auto& entry : table) {
        if (entry.lives() && members.contains(entry.parent)) members.insert(entry.pid);
      }
    }
    for (const auto& entry : table) {
      if (members.contains(entry.pid)) stop(entry);
    }
    return true;
  }
  [[nodiscard]] bool found_new() const { return found_new_; }

  void kill_all() {
    for (const auto& target : targets_) (void)send_by_pidfd(target.pidfd, SIGKILL);
    targets_.clear();
  }

 private:
  struct Target {
    Entry entry;
    base::UniqueFd pidfd;
  };

  bool belongs(const Entry& entry) {
    if (entry.session == tree_.leader || entry.group == tree_.leader || entry.pid == tree_.leader)
      return true;
    bool adopted = entry.parent == ::getpid() && !tree_.marks.empty();
    return adopted && carries(entry.pid, tree_.marks);
  }

  void stop(const Entry& entry) {
    constexpr std::size_t kBatch = 256;  // descriptors held at a time
    auto same = [&entry](const Target& target) {
      return target.entry.pid == entry.pid && target.entry.started == entry.started;
    };
    if (std::ranges::any_of(targets_, same)) return;
    if (targets_.size() >= kBatch) kill_all();
    auto pidfd = open_pidfd(entry.pid);
    // The number may have passed on since the table was read; what is open now is what is looked at now.
    auto now = read_entry(entry.pid);
    if (!pidfd || !now || now->started != entry.started || !now->lives()) return;
    if (!send_by_pidfd(*pidfd, SIGSTOP)) return;
    found_new_ = true;
    targets_.push_back({entry, std::move(*pidfd)});
  }

  const ProcessTree& tree_;
  std::vector<Target> targets_;
  bool found_new_ = false;
};

}  // namespace

void kill_process_tree(const ProcessTree& tree) {
  constexpr int kLooks = 16;
  constexpr auto kTime = std::chrono::milliseconds(250);
  auto deadline = std::chrono::steady_clock::now() + kTime;
  Hunt hunt(tree);
  int quiet = 0;
  for (int look = 0; look < kLooks && quiet < 2 && std::chrono::steady_clock::now() < deadline; ++look) {
    if (!hunt.look()) break;
    quiet = hunt.found_new() ? 0 : quiet + 1;
  }
  hunt.kill_all();
}

}  // namespace gracevisor::supervise
