#include "control/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <expected>
#include <string>
#include <thread>
#include <utility>

#include "base/process_entry.h"

namespace gracevisor::control {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);

// The pid that the holder wrote, or nothing if it has not written it yet.
std::string holder_of(int file) {
  std::array<char, 24> text{};
  ssize_t count = ::pread(file, text.data(), text.size(), 0);
  std::string_view all(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  return {all.begin(), std::find_if_not(all.begin(), all.end(), is_digit)};
}

// An unknown holder is assumed to be alive.
bool lives(const std::string& holder) {
  pid_t pid = 0;
  auto [rest, failed] = std::from_chars(holder.data(), holder.data() + holder.size(), pid);
  if (failed != std::errc() || pid <= 0) return true;
  auto entry = base::read_process_entry(pid);
  if (!entry) return entry.error() != ENOENT && entry.error() != ESRCH;
  return entry->lives() && !entry->exiting;
}

// An errno if the lock cannot be taken: EWOULDBLOCK if another process holds it.
std::expected<void, int> wait_for(int file, const LockPatience& patience) {
  auto began = std::chrono::steady_clock::now();
  for (;;) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) return std::unexpected(errno);
    base::Duration longest = lives(holder_of(file)) ? patience.alive : patience.dead;
    if (std::chrono::steady_clock::now() - began >= longest) return std::unexpected(EWOULDBLOCK);
    std::this_thread::sleep_for(kPause);
  }
}

// A dying process, or a child that execs its program, releases its descriptors in numerical order. With the
// lock after the others, the next holder finds the former holder's sockets already closed.
base::UniqueFd behind_the_others(base::UniqueFd file) {
  constexpr rlim_t kHigh = 1023;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == 0) return file;
  auto high = base::duplicate(file.get(), static_cast<int>(std::min(limit.rlim_cur - 1, kHigh)));
  return high ? std::move(*high) : std::move(file);
}

base::Expected<void> write_holder(int file, const std::filesystem::path& path) {
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file, 0) != 0 ||
      ::pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return base::fail_errno("cannot write " + path.string(), errno);
  }
  return {};
}

}  // namespace

base::Expected<void> prepare_runtime_folder(const std::filesystem::path& folder, const AccessPolicy& policy) {
  std::error_code failure;
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), failure);
  if (failure) return base::fail_errno("cannot create " + folder.parent_path().string(), failure.value());
  bool created = ::mkdir(folder.c_str(), 0700) == 0;
  if (!created && errno != EEXIST) return base::fail_errno("cannot create " + folder.string(), errno);

  // O_NOFOLLOW: in a folder such as /tmp a link could lead anywhere.
  base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return base::fail_errno("cannot open " + folder.string(), errno);
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return base::fail_errno("cannot stat " + folder.string(), errno);
  if (st.st_uid != policy.owner && st.st_uid != 0) {
    return base::fail(folder.string() + " belongs to another user (uid " + std::to_string(st.st_uid) + ")");
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return base::fail(folder.string() + " can be written by other users");
  }
  if (!created) return {};

  if (policy.operators && ::fchown(fd.get(), static_cast<uid_t>(-1), *policy.operators) != 0) {
    return base::fail_errno("cannot give " + folder.string() + " to the operator group", errno);
  }
  if (::fchmod(fd.get(), policy.folder_mode()) != 0) {
    return base::fail_errno("cannot set the mode of " + folder.string(), errno);
  }
  return {};
}

bool InstanceLock::in_place(const std::filesystem::path& folder, const std::string& name) const {
  struct stat held{};
  struct stat there{};
  if (::fstat(file_.get(), &held) != 0 || ::lstat((folder / name).c_str(), &there) != 0) return false;
  return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

base::Expected<InstanceLock> InstanceLock::acquire(const std::filesystem::path& folder,
                                                   const std::string& name, const LockPatience& patience) {
  auto path = folder / name;
  base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return base::fail_errno("cannot open " + path.string(), errno);
  file = behind_the_others(std::move(file));
  auto locked = wait_for(file.get(), patience);
  if (!locked && locked.error() != EWOULDBLOCK) {
    return base::fail_errno("cannot lock " + path.string(), locked.error());
  }
  if (!locked) {
    std::string pid = holder_of(file.get());
    std::string who = pid.empty() ? "another gracevisord" : "another gracevisord (pid " + pid + ")";
    return std::unexpected(base::Error{who + " runs on " + folder.string(), EWOULDBLOCK});
  }
  if (auto written = write_holder(file.get(), path); !written) return std::unexpected(written.error());
  return InstanceLock(std::move(file));
}

base::Expected<InstanceLock> InstanceLock::take_over(const std::filesystem::path& folder,
                                                     const std::string& name, base::UniqueFd file) {
  const auto path = folder / name;
  // Held already by the same open file: this changes nothing, and never waits.
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    return base::fail_errno("cannot lock " + path.string(), errno);
  InstanceLock lock(behind_the_others(std::move(file)));
  if (!lock.in_place(folder, name)) return base::fail_errno(path.string() + " was removed", ENOENT);
  if (auto written = write_holder(lock.fd(), path); !written) return std::unexpected(written.error());
  return lock;
}

base::Expected<void> InstanceLock::name_holder() const {
  return write_holder(file_.get(), "the lock's file");
}

}  // namespace gracevisor::control
