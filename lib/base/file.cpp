#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace gracevisor::base {
namespace {

Expected<void> write_all(int fd, std::string_view content, const std::string& name) {
  while (!content.empty()) {
    ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot write " + name, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Expected<void> write_temp(const std::filesystem::path& temp, std::string_view content, unsigned mode,
                          Outlives what) {
  UniqueFd fd(::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("cannot create " + temp.string(), errno);
  // A file left by an earlier attempt keeps its mode at open.
  if (::fchmod(fd.get(), mode) != 0) return fail_errno("cannot set the mode of " + temp.string(), errno);
  if (auto written = write_all(fd.get(), content, temp.string()); !written) return written;
  if (what == Outlives::disk && ::fsync(fd.get()) != 0)
    return fail_errno("cannot sync " + temp.string(), errno);
  return {};
}

// What is no regular file, for messages.
std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO, not a regular file";
  if (S_ISSOCK(mode)) return "a socket, not a regular file";
  return "a device, not a regular file";
}

std::unexpected<Error> not_regular(const std::filesystem::path& path, mode_t mode) {
  return std::unexpected(
      Error{path.string() + " is " + std::string(kind_of(mode)), S_ISDIR(mode) ? EISDIR : 0});
}

}  // namespace

Expected<UniqueFd> open_regular(const std::filesystem::path& path, int more_flags, struct stat& st) {
  // O_NONBLOCK: opening a FIFO by mistake must not wait for its writer.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more_flags));
  if (!fd) {
    // A socket cannot be opened at all, and the system's word for it is "No such device or address".
    const int code = errno;
    if (code == ENXIO && ::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode))
      return not_regular(path, st.st_mode);
    return fail_errno("cannot open " + path.string(), code);
  }
  if (::fstat(fd.get(), &st) != 0) return fail_errno("cannot stat " + path.string(), errno);
  if (!S_ISREG(st.st_mode)) return not_regular(path, st.st_mode);
  return fd;
}

Expected<std::string> read_all(int fd, const std::string& name, std::size_t limit) {
  std::string content;
  while (content.size() <= limit) {
    std::size_t had = content.size();
    content.resize(had + 65536);
    ssize_t n = ::read(fd, content.data() + had, 65536);
    content.resize(had + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read " + name, errno);
    if (n == 0) return content;
  }
  return fail(name + " is longer than " + std::to_string(limit) + " bytes");
}

Expected<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  struct stat st{};
  auto fd = open_regular(path, 0, st);
  return fd ? read_all(fd->get(), path.string(), limit) : std::unexpected(fd.error());
}

Expected<std::string> read_own_file(const std::filesystem::path& path, std::size_t limit) {
  struct stat st{};
  auto fd = open_regular(path, O_NOFOLLOW, st);
  if (!fd) return std::unexpected(fd.error());
  if (st.st_uid != ::geteuid()) {
    return fail(path.string() + " belongs to another user (uid " + std::to_string(st.st_uid) + ")");
  }
  if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) return fail(path.string() + " is open to other users");
  if (st.st_nlink != 1) return fail(path.string() + " has a second name (a hard link)");
  return read_all(fd->get(), path.string(), limit);
}

Expected<void> replace_file(const std::filesystem::path& path, std::string_view content, unsigned mode,
                            Outlives what) {
  std::filesystem::path temp = path;
  temp += ".new";
  auto renamed = write_temp(temp, content, mode, what);
  if (renamed && ::rename(temp.c_str(), path.c_str()) != 0) {
    renamed = fail_errno("cannot rename " + temp.string(), errno);
  }
  if (!renamed) {
    // A half-written file must not keep its space: a full disk may have been the cause.
    (void)::unlink(temp.c_str());
    return renamed;
  }
  if (what != Outlives::disk) return {};
  auto folder_path = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  UniqueFd folder(::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return fail_errno("cannot sync " + folder_path.string(), errno);
  return {};
}

Expected<void> make_folders(const std::filesystem::path& path, unsigned mode) {
  std::filesystem::path folder;
  for (const auto& part : path) {
    folder /= part;
    if (::mkdir(folder.c_str(), mode) == 0) {
      UniqueFd made(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!made || ::fchmod(made.get(), mode) != 0) {
        return fail_errno("cannot set the mode of " + folder.string(), errno);
      }
      continue;
    }
    if (errno == EEXIST) continue;
    // A read-only file system, or a parent folder that is not ours, fails this way even if the folder exists.
    struct stat st{};
    int code = errno;
    if (::stat(folder.c_str(), &st) != 0)
      return fail_errno("cannot create the folder " + folder.string(), code);
  }
  struct stat st{};
  if (!path.empty() && (::stat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))) {
    return fail_errno("cannot create the folder " + path.string(), ENOTDIR);
  }
  return {};
}

}  // namespace gracevisor::base
