#include "process/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <ranges>
#include <string_view>
#include <system_error>

#include "base/file.h"
#include "base/kernel_file.h"
#include "base/unique_fd.h"

namespace gracevisor::process {
namespace {

constexpr std::size_t kMostMembers = 4096;
constexpr std::size_t kMostFolders = 1024;
constexpr std::size_t kMostText = 128UL << 10U;  // of 4096 numbers, and more

// Of a line "KEY NUMBER".
std::optional<unsigned long> number_of(std::string_view text, std::string_view key) {
  for (const auto part : text | std::views::split('\n')) {
    std::string_view line(part);
    if (!line.starts_with(key) || line.substr(key.size(), 1) != " ") continue;
    line.remove_prefix(key.size() + 1);
    unsigned long number = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error == std::errc()) return number;
  }
  return std::nullopt;
}

// Beyond the limit it is cut, where base::read_file() would refuse. Empty if it cannot be read.
std::string beginning_of(const std::string& file, std::size_t limit) {
  const base::UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> space{};
  while (opened && text.size() < limit) {
    const ssize_t count = ::read(opened.get(), space.data(), space.size());
    if (count <= 0) break;
    text.append(space.data(), static_cast<std::size_t>(count));
  }
  return text;
}

void add_members(const std::string& folder, std::vector<pid_t>& members) {
  const std::string text = beginning_of(folder + "/cgroup.procs", kMostText);
  for (const auto part : text | std::views::split('\n')) {
    if (members.size() >= kMostMembers) return;
    const std::string_view line(part);
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
    // 0: it is in no PID namespace of ours.
    if (error == std::errc() && pid > 0) members.push_back(pid);
  }
}

// The folder itself, and those below it, each behind the one that it is in.
std::vector<std::string> with_those_below(const std::string& folder) {
  std::vector<std::string> found = {folder};
  for (std::size_t i = 0; i < found.size() && found.size() < kMostFolders; ++i) {
    const std::string in = found[i];
    for (const std::string& name : Cgroup(in).below(kMostFolders - found.size()))
      found.push_back(fmt::format("{}/{}", in, name));
  }
  return found;
}

}  // namespace

bool Cgroup::exists() const {
  return ::access(folder_.c_str(), F_OK) == 0;
}

bool Cgroup::populated() const {
  const auto events = base::read_file(folder_ + "/cgroup.events", kMostText);
  // ENODEV: it was removed while it was open.
  if (!events) return events.error().code != ENOENT && events.error().code != ENODEV;
  return number_of(*events, "populated").value_or(1) != 0;
}

std::vector<pid_t> Cgroup::members() const {
  std::vector<pid_t> members;
  if (!populated()) return members;
  for (const std::string& folder : with_those_below(folder_)) add_members(folder, members);
  return members;
}

std::vector<pid_t> Cgroup::own_members() const {
  std::vector<pid_t> members;
  add_members(folder_, members);
  return members;
}

bool Cgroup::kill() const {
  return base::write_kernel_file(AT_FDCWD, (folder_ + "/cgroup.kill").c_str(), "1") == 0;
}

std::vector<std::string> Cgroup::below(std::size_t most) const {
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(folder_, failed), end;
       !failed && it != end && names.size() < most; it.increment(failed)) {
    std::error_code unknown;
    if (it->is_directory(unknown)) names.push_back(it->path().filename().string());
  }
  return names;
}

bool Cgroup::out_of_memory() const {
  const auto events = base::read_file(folder_ + "/memory.events", kMostText);
  return events && number_of(*events, "oom_kill").value_or(0) > 0;
}

void Cgroup::remove() const {
  for (const std::string& folder : with_those_below(folder_) | std::views::reverse)
    (void)::rmdir(folder.c_str());
}

}  // namespace gracevisor::process
