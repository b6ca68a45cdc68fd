#include "control/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/address.h"
#include "control/socket_file.h"

namespace gracevisor::control {
namespace {

using base::Expected;
using base::UniqueFd;

constexpr int kBacklog = 64;

Expected<UniqueFd> unix_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("cannot create the control socket", errno);
  return fd;
}

// An error unless `path` is free or a stale socket.
Expected<void> expect_replaceable(const std::filesystem::path& path) {
  // Checked first: a path that is too long could be renamed to, but no client could connect to it.
  auto address = base::Address::unix_path(path.string());
  if (!address) return std::unexpected(address.error());
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return {};
    return base::fail_errno("cannot stat " + path.string(), errno);
  }
  if (!S_ISSOCK(st.st_mode)) return base::fail(path.string() + " exists and is not a socket");
  auto probe = unix_socket();
  if (!probe) return std::unexpected(probe.error());
  // EAGAIN: the backlog is full, so there is a listener. Without an answer the file is stale.
  if (::connect(probe->get(), address->get(), address->length()) == 0 || errno == EAGAIN) {
    return std::unexpected(base::Error{"another process answers on " + path.string(), EADDRINUSE});
  }
  return {};
}

// Binds under a temporary name and prepares the socket; the file has its final owner and mode before
// listen(), and without listen() no client can connect.
Expected<UniqueFd> open_at(const std::filesystem::path& temporary, const AccessPolicy& policy) {
  auto address = base::Address::unix_path(temporary.string());
  if (!address) return std::unexpected(address.error());
  auto fd = unix_socket();
  if (!fd) return fd;
  auto failed = [&](const char* doing) { return base::fail_errno(doing + temporary.string(), errno); };
  if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) return failed("cannot remove ");
  if (::bind(fd->get(), address->get(), address->length()) != 0) return failed("cannot bind ");
  gid_t group = policy.operators.value_or(static_cast<gid_t>(-1));
  if (::lchown(temporary.c_str(), policy.owner, group) != 0) return failed("cannot set the owner of ");
  if (::chmod(temporary.c_str(), policy.socket_mode()) != 0) return failed("cannot set the mode of ");
  if (::listen(fd->get(), kBacklog) != 0) return failed("cannot listen on ");
  return fd;
}

}  // namespace

ControlSocket::ControlSocket(std::filesystem::path path, UniqueFd fd) noexcept
    : path_(std::move(path)), fd_(std::move(fd)) {}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::move(other.fd_)), device_(other.device_), inode_(other.inode_) {
  other.path_.clear();
}

ControlSocket::~ControlSocket() {
  // If the file cannot be removed, it is stale from now on, and the next daemon replaces it.
  if (in_place()) (void)::unlink(path_.c_str());
}

bool ControlSocket::in_place() const {
  struct stat st{};
  return !path_.empty() && ::lstat(path_.c_str(), &st) == 0 && st.st_dev == device_ && st.st_ino == inode_;
}

Expected<ControlSocket> ControlSocket::take_over(const std::filesystem::path& path, UniqueFd fd) {
  ControlSocket socket("", std::move(fd));
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0) return base::fail_errno("cannot stat " + path.string(), errno);
  if (!S_ISSOCK(st.st_mode)) return base::fail(path.string() + " is not a socket");
  if (auto set = base::set_nonblocking(socket.fd()); !set) return std::unexpected(set.error());
  socket.path_ = path;
  socket.device_ = st.st_dev;
  socket.inode_ = st.st_ino;
  return socket;
}

Expected<ControlSocket> ControlSocket::open(const std::filesystem::path& path, const AccessPolicy& policy) {
  if (auto free = expect_replaceable(path); !free) return std::unexpected(free.error());
  // Short, because the whole path may have only 107 bytes.
  auto temporary = path.parent_path() / kBoundAs;
  auto fd = open_at(temporary, policy);
  if (!fd) {
    // EEXIST and the like leave nothing behind; after any other error the file must not stay.
    (void)::unlink(temporary.c_str());
    return std::unexpected(fd.error());
  }
  ControlSocket socket(path, std::move(*fd));
  struct stat st{};
  if (::lstat(temporary.c_str(), &st) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    int code = errno;
    (void)::unlink(temporary.c_str());
    return base::fail_errno("cannot create " + path.string(), code);
  }
  socket.device_ = st.st_dev;
  socket.inode_ = st.st_ino;
  return socket;
}

}  // namespace gracevisor::control
