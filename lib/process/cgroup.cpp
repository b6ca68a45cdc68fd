#include "process/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <ranges>
#include <string_view>
#include <system_error>

#include "base/unique_fd.h"

namespace gracevisor::process {
namespace {

constexpr std::size_t kMostMembers = 4096;
constexpr std::size_t kMostFolders = 1024;
constexpr std::size_t kMostText = 128UL << 10U;  // of 4096 numbers, and more

// Unset: errno tells why.
std::optional<std::string> read_of(const std::string& file) {
  const base::UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return std::nullopt;
  std::string text;
  std::array<char, 4096> space{};
  while (text.size() < kMostText) {
    const ssize_t count = ::read(opened.get(), space.data(), space.size());
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    text.append(space.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// Of a line "KEY NUMBER".
std::optional<unsigned long> number_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!line.starts_with(key) || line.substr(key.size(), 1) != " ") continue;
    line.remove_prefix(key.size() + 1);
    unsigned long number = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error == std::errc()) return number;
  }
  return std::nullopt;
}

void add_members(const std::string& folder, std::vector<pid_t>& members) {
  const auto text = read_of(folder + "/cgroup.procs");
  if (!text) return;
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end && members.size() < kMostMembers) {
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(at, end, pid);
    // 0: it is in no PID namespace of ours.
    if (error == std::errc() && pid > 0) members.push_back(pid);
    at = rest == at ? at + 1 : rest;
    while (at < end && *at == '\n') ++at;
  }
}

// The folder itself, and those below it, each behind the one that it is in.
std::vector<std::string> with_those_below(const std::string& folder) {
  std::vector<std::string> found = {folder};
  for (std::size_t i = 0; i < found.size() && found.size() < kMostFolders; ++i) {
    std::error_code failed;
    for (std::filesystem::directory_iterator it(found[i], failed), end;
         !failed && it != end && found.size() < kMostFolders; it.increment(failed)) {
      std::error_code unknown;
      if (it->is_directory(unknown)) found.push_back(it->path().string());
    }
  }
  return found;
}

}  // namespace

bool Cgroup::exists() const {
  return ::access(folder_.c_str(), F_OK) == 0;
}

bool Cgroup::populated() const {
  const auto events = read_of(folder_ + "/cgroup.events");
  // ENODEV: it was removed while it was open.
  if (!events) return errno != ENOENT && errno != ENODEV;
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
  const base::UniqueFd file(::open((folder_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), "1", 1) == 1;
}

bool Cgroup::out_of_memory() const {
  const auto events = read_of(folder_ + "/memory.events");
  return events && number_of(*events, "oom_kill").value_or(0) > 0;
}

void Cgroup::remove() const {
  for (const std::string& folder : with_those_below(folder_) | std::views::reverse)
    (void)::rmdir(folder.c_str());
}

}  // namespace gracevisor::process
