#include "supervise/socket_holders.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <sstream>
#include <string_view>

#include "base/file.h"
#include "base/shortage.h"

namespace gracevisor::supervise {
namespace {

constexpr std::size_t kMaxStat = 4096;

struct DirectoryCloser {
  void operator()(DIR* directory) const noexcept { (void)::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ino_t> parse_socket(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return std::nullopt;
  return parse_number<ino_t>(link.substr(kPrefix.size(), link.size() - kPrefix.size() - 1));
}

// Calls `each` with every name in the folder; errno's value where it cannot be read.
template <class Each>
int for_each_name(const std::string& folder, Each each) {
  Directory directory(::opendir(folder.c_str()));
  if (!directory) return errno;
  while (const dirent* entry = ::readdir(directory.get())) each(std::string_view(entry->d_name));
  return 0;
}

void collect(base::Pid pid, HeldSockets& held) {
  std::string folder = fmt::format("/proc/{}/fd", pid.value());
  int error = for_each_name(folder, [&](std::string_view name) {
    std::array<char, 64> target{};
    std::string path = fmt::format("{}/{}", folder, name);
    ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    if (length <= 0) {
      if (errno == EACCES || errno == EPERM) held.complete = false;
      return;
    }
    auto socket = parse_socket({target.data(), static_cast<std::size_t>(length)});
    if (socket) held.inodes.insert(*socket);
  });
  // A process that is gone holds nothing.
  if (error != 0 && error != ENOENT && error != ESRCH) held.complete = false;
}

}  // namespace

HeldSockets sockets_of(base::Pid pid) {
  HeldSockets held;
  collect(pid, held);
  return held;
}

base::Expected<ProcessTable::Process> ProcessTable::read_process(base::Pid pid) {
  auto read = base::read_file(fmt::format("/proc/{}/stat", pid.value()), kMaxStat);
  if (!read) return std::unexpected(read.error());
  const std::string& stat = *read;
  // "77 (nginx: (a) b) S 1 77 77 ...": the name may hold anything, parentheses too.
  auto open = stat.find('(');
  auto close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open)
    return base::fail("not a stat file of /proc");
  std::istringstream fields(stat.substr(close + 1));
  std::string state;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  if (!(fields >> state >> parent >> group >> session)) return base::fail("not a stat file of /proc");
  return Process{pid, base::Pid(parent), base::Pid(session), stat.substr(open + 1, close - open - 1)};
}

ProcessTable ProcessTable::read() {
  ProcessTable table;
  int error = for_each_name("/proc", [&](std::string_view name) {
    auto number = parse_number<pid_t>(name);
    if (!number) return;
    if (auto process = read_process(base::Pid(*number))) {
      table.processes_.push_back(std::move(*process));
    } else if (base::is_shortage(process.error().code)) {
      table.complete_ = false;  // it may be there
    }
  });
  if (error != 0) table.complete_ = false;
  return table;
}

std::set<base::Pid> ProcessTable::instance(base::Pid leader) const {
  std::set<base::Pid> members{leader};
  for (const Process& process : processes_) {
    if (process.session == leader) members.insert(process.pid);
  }
  // Pids are in no order of birth, so until nothing more is found.
  for (bool grown = true; grown;) {
    grown = false;
    for (const Process& process : processes_) {
      if (members.contains(process.parent)) grown |= members.insert(process.pid).second;
    }
  }
  return members;
}

HeldSockets ProcessTable::sockets_of_instance(base::Pid leader) const {
  HeldSockets held;
  held.complete = complete_;
  for (base::Pid pid : instance(leader)) collect(pid, held);
  return held;
}

std::optional<NamedProcess> ProcessTable::holder_of(ino_t socket) const {
  for (const Process& process : processes_) {
    if (sockets_of(process.pid).inodes.contains(socket)) return NamedProcess{process.pid, process.name};
  }
  return std::nullopt;
}

}  // namespace gracevisor::supervise
