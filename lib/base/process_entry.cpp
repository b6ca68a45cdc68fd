#include "base/process_entry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>

#include "base/unique_fd.h"

namespace gracevisor::base {
namespace {
constexpr std::size_t kStat = 4096;      // the line is shorter
constexpr unsigned kExiting = 0x4;       // PF_EXITING of the kernel
constexpr std::size_t kAtOnce = 16'384;  // bytes per read
}  // namespace

std::expected<ProcessEntry, int> parse_process_entry(std::string_view stat) {
  // The name in parentheses is the program's choice and may itself contain spaces and parentheses.
  std::size_t open = stat.find('(');
  std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::unexpected(ESRCH);
  }
  std::string head(stat.substr(0, open));
  std::string rest(stat.substr(close + 1));
  ProcessEntry entry;
  entry.name = stat.substr(open + 1, close - open - 1);
  unsigned flags = 0;
  std::uint64_t user = 0;
  std::uint64_t kernel = 0;
  std::int64_t children_user = 0;
  std::int64_t children_kernel = 0;
  // Fields 1, 3 to 6, 9, 14 to 17, 22 and 24 of proc_pid_stat(5).
  int number = std::sscanf(head.c_str(), "%d", &entry.pid);
  int others = std::sscanf(rest.c_str(),
                           " %c %d %d %d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNd64
                           " %" SCNd64 " %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
                           &entry.state, &entry.parent, &entry.group, &entry.session, &flags, &user, &kernel,
                           &children_user, &children_kernel, &entry.started, &entry.resident);
  if (number != 1 || others != 11) return std::unexpected(ESRCH);
  entry.ran = user + kernel + static_cast<std::uint64_t>(std::max<std::int64_t>(children_user, 0)) +
              static_cast<std::uint64_t>(std::max<std::int64_t>(children_kernel, 0));
  entry.exiting = (flags & kExiting) != 0;
  return entry;
}

std::expected<std::string, int> read_process_file(pid_t pid, const char* name, std::size_t limit) {
  std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno);
  std::string content;
  while (content.size() < limit) {
    std::size_t before = content.size();
    content.resize(before + std::min(kAtOnce, limit - before));
    ssize_t n = ::read(fd.get(), content.data() + before, content.size() - before);
    int code = errno;
    content.resize(before + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n < 0 && code != EINTR) return std::unexpected(code);
    if (n == 0) break;
  }
  return content;
}

std::expected<ProcessEntry, int> read_process_entry(pid_t pid) {
  auto stat = read_process_file(pid, "stat", kStat);
  if (!stat) return std::unexpected(stat.error());
  return parse_process_entry(*stat);
}

std::string text(const std::vector<NamedProcess>& processes) {
  std::string all;
  for (const auto& process : processes) {
    all += fmt::format("{}pid {} ({})", all.empty() ? "" : ", ", process.pid.value(), process.name);
  }
  return all;
}

}  // namespace gracevisor::base
