#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"
#include "spec/obstacle.h"

namespace gracevisor::spec {
namespace {

FileEntry::Kind kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return FileEntry::Kind::folder;
  if (S_ISREG(mode)) return FileEntry::Kind::file;
  if (S_ISLNK(mode)) return FileEntry::Kind::link;
  return FileEntry::Kind::other;
}

}  // namespace

FileEntry RealDisk::look(const std::string& path) const {
  constexpr mode_t kPermissions = 07777;
  struct stat st{};
  if (::fstatat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) return {};
  FileEntry entry{kind_of(st.st_mode), st.st_mode & kPermissions, st.st_uid, st.st_gid};
  if (entry.kind != FileEntry::Kind::link) {
    entry.listed = ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
    return entry;
  }
  std::array<char, 4096> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length > 0) entry.target.assign(target.data(), static_cast<std::size_t>(length));
  return entry;
}

// Opened for reading only once it is known to be a regular file: opening a device or a FIFO may do something.
std::string RealDisk::first_bytes(const std::string& path) const {
  const base::UniqueFd found(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat st{};
  if (!found || ::fstat(found.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  const std::string again = fmt::format("/proc/self/fd/{}", found.get());
  const base::UniqueFd file(::open(again.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return {};
  std::array<char, kFirstBytes> bytes{};
  const ssize_t length = ::read(file.get(), bytes.data(), bytes.size());
  return length > 0 ? std::string(bytes.data(), static_cast<std::size_t>(length)) : std::string();
}

bool RealDisk::is_mounted_noexec(const std::string& path) const {
  struct statvfs st{};
  return ::statvfs(path.c_str(), &st) == 0 && (st.f_flag & ST_NOEXEC) != 0;
}

}  // namespace gracevisor::spec
