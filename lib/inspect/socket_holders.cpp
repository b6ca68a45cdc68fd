#include "inspect/socket_holders.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/shortage.h"

namespace gracevisor::inspect {
namespace {

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

// Calls `each` with every name in the folder; returns errno's value if it cannot be read.
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

HeldSockets sockets_of_instance(const ProcessTable& table, base::Pid leader) {
  std::set<pid_t> members{leader.value()};
  std::vector<pid_t> found{leader.value()};
  auto add = [&](const ProcessTable::Members& more) {
    for (const auto* entry : more) {
      if (members.insert(entry->pid).second) found.push_back(entry->pid);
    }
  };
  add(table.session_of(leader.value()));
  std::size_t seen = 0;  // it grows meanwhile
  while (seen < found.size()) add(table.children_of(found[seen++]));
  HeldSockets held;
  held.complete = table.complete();
  for (pid_t pid : found) collect(base::Pid(pid), held);
  return held;
}

std::optional<base::NamedProcess> holder_of(const ProcessTable& table, ino_t socket) {
  for (const auto& process : table.entries()) {
    base::Pid pid(process.pid);
    if (sockets_of(pid).inodes.contains(socket)) return base::NamedProcess{pid, process.name};
  }
  return std::nullopt;
}

}  // namespace gracevisor::inspect
