#include "control/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string>

namespace gracevisor::control {
namespace {

// The pid that the holder wrote, or nothing while it has not yet.
std::string holder_of(int file) {
  std::array<char, 24> text{};
  ssize_t count = ::pread(file, text.data(), text.size(), 0);
  std::string_view all(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  return {all.begin(), std::find_if_not(all.begin(), all.end(), is_digit)};
}

int flock_retrying(int file) {
  int result = 0;
  do {
    result = ::flock(file, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result;
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

bool InstanceLock::in_place(const std::filesystem::path& folder) const {
  struct stat held{};
  struct stat there{};
  if (::fstat(file_.get(), &held) != 0 || ::lstat((folder / "lock").c_str(), &there) != 0) return false;
  return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

base::Expected<InstanceLock> InstanceLock::acquire(const std::filesystem::path& folder) {
  auto path = folder / "lock";
  base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return base::fail_errno("cannot open " + path.string(), errno);
  if (flock_retrying(file.get()) != 0) {
    if (errno != EWOULDBLOCK) return base::fail_errno("cannot lock " + path.string(), errno);
    std::string pid = holder_of(file.get());
    std::string who = pid.empty() ? "another gracevisord" : "another gracevisord (pid " + pid + ")";
    return std::unexpected(base::Error{who + " runs on " + folder.string(), EWOULDBLOCK});
  }
  std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return base::fail_errno("cannot write " + path.string(), errno);
  }
  return InstanceLock(std::move(file));
}

}  // namespace gracevisor::control
