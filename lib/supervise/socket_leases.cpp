#include "supervise/socket_leases.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <system_error>

#include "config/socket_path.h"
#include "loop/listening_socket.h"

namespace gracevisor::supervise {
namespace {

using base::Expected;
using std::filesystem::path;

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr mode_t kPrivate = 0700;
constexpr mode_t kPassable = 0711;
constexpr mode_t kSocketMode = 0600;
// An app may leave files beside its socket: at most this many are removed at once, to keep the wait short.
constexpr unsigned kMostRemoved = 1000;

path path_of(const base::Address& address) {
  return address.text().substr(5);
}

bool other_user(const spec::Spec& spec) {
  return spec.credentials && spec.credentials->uid != ::geteuid();
}

struct Owner {
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
};

// Makes the folder, or takes the existing one, with this mode and owner. No other user can write to its
// parent, so nothing changes between these calls.
Expected<void> make_folder(const path& folder, mode_t mode, const Owner& owner = {}) {
  if (::mkdir(folder.c_str(), kPrivate) != 0 && errno != EEXIST) {
    return base::fail_errno("cannot create " + folder.string(), errno);
  }
  struct stat st{};
  if (::lstat(folder.c_str(), &st) != 0) return base::fail_errno("cannot stat " + folder.string(), errno);
  if (!S_ISDIR(st.st_mode)) return base::fail(folder.string() + " is in the way: it is no folder");
  if (::chmod(folder.c_str(), mode) != 0) {
    return base::fail_errno("cannot set the mode of " + folder.string(), errno);
  }
  if (st.st_uid != owner.uid && ::lchown(folder.c_str(), owner.uid, owner.gid) != 0) {
    return base::fail_errno("cannot set the owner of " + folder.string(), errno);
  }
  return {};
}

// Lets other users pass through the daemon's folder, and no more: its content has its own protection.
Expected<void> open_way(const path& folder) {
  struct stat st{};
  if (::stat(folder.c_str(), &st) != 0) return base::fail_errno("cannot stat " + folder.string(), errno);
  if ((st.st_mode & S_IXOTH) != 0) return {};
  if (::chmod(folder.c_str(), (st.st_mode & 07777) | S_IXOTH) != 0) {
    return base::fail_errno("cannot set the mode of " + folder.string(), errno);
  }
  return {};
}

Expected<void> remove_file(const path& file) {
  if (::unlink(file.c_str()) == 0 || errno == ENOENT) return {};
  return base::fail_errno("cannot remove " + file.string(), errno);
}

// The files in it, then itself. What cannot be removed (a folder that the app made) stays until next time.
void clear_folder(const path& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  unsigned removed = 0;
  for (std::filesystem::directory_iterator end; !error && entries != end && removed < kMostRemoved;
       entries.increment(error), ++removed) {
    (void)::unlink(entries->path().c_str());
  }
  (void)::rmdir(folder.c_str());
}

// No client can connect before listen(): the file has its owner and mode by then.
Expected<base::UniqueFd> listen_at(const path& file, const base::Address& address, const spec::Spec& spec) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::fail_errno("cannot create a socket for " + address.text(), errno);
  auto failed = [&] {
    int code = errno;
    (void)::unlink(file.c_str());
    return base::fail_errno("cannot listen on " + address.text(), code);
  };
  if (::bind(fd.get(), address.get(), address.length()) != 0) return failed();
  if (::chmod(file.c_str(), kSocketMode) != 0) return failed();
  if (other_user(spec) && ::lchown(file.c_str(), spec.credentials->uid, spec.credentials->gid) != 0) {
    return failed();
  }
  if (::listen(fd.get(), kBacklog) != 0) return failed();
  return fd;
}

}  // namespace

SocketLeases::SocketLeases(path runtime_dir, base::Holder* holder)
    : runtime_dir_(std::move(runtime_dir)), holder_(holder) {}

SocketLeases::~SocketLeases() {
  if (holder_ != nullptr && holder_->left_to_others()) return;
  close_listening([](const routing::Identity&) { return true; });
}

void SocketLeases::clear_leftovers() const {
  std::error_code error;
  std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator app(config::sockets_folder(runtime_dir_), error);
       !error && app != end; app.increment(error)) {
    std::error_code unreadable;
    for (std::filesystem::directory_iterator generation(app->path(), unreadable);
         !unreadable && generation != end; generation.increment(unreadable)) {
      if (!folders_.contains(generation->path())) clear_folder(generation->path());
    }
    (void)::rmdir(app->path().c_str());
  }
}

Expected<void> SocketLeases::enter(const path& folder, const spec::Spec& spec) {
  bool binds = spec.app.endpoint == config::EndpointKind::socket;
  if (other_user(spec)) {
    if (auto opened = open_way(runtime_dir_); !opened) return opened;
  }
  const path app = folder.parent_path();
  for (const path& above : {app.parent_path(), app}) {
    if (auto made = make_folder(above, kPassable); !made) return made;
  }
  Owner owner;
  if (binds && other_user(spec)) owner = {spec.credentials->uid, spec.credentials->gid};
  if (auto made = make_folder(folder, binds ? kPrivate : kPassable, owner); !made) return made;
  // Made each time, since it may have been removed.
  ++folders_[folder];
  return {};
}

void SocketLeases::leave(const path& folder) {
  auto it = folders_.find(folder);
  assert(it != folders_.end());
  if (--it->second != 0) return;
  folders_.erase(it);
  clear_folder(folder);
  // Fails while another generation has sockets.
  (void)::rmdir(folder.parent_path().c_str());
}

Expected<base::Address> SocketLeases::lease(const routing::Identity& who, const spec::Spec& spec) {
  path folder = config::socket_folder(runtime_dir_, spec.app.name, who.generation);
  path file = folder / config::socket_name(who.slot, who.incarnation);
  auto address = base::Address::unix_path(file.string());
  if (!address) return address;
  if (auto entered = enter(folder, spec); !entered) return std::unexpected(entered.error());
  if (auto removed = remove_file(file); !removed) {
    leave(folder);
    return std::unexpected(removed.error());
  }
  leased_.insert(file);
  return other_user(spec) ? address->owned_by(spec.credentials->uid) : *address;
}

Expected<base::Address> SocketLeases::lease_again(const routing::Identity& who, const spec::Spec& spec,
                                                  const base::Address& address) {
  path folder = config::socket_folder(runtime_dir_, spec.app.name, who.generation);
  path file = folder / config::socket_name(who.slot, who.incarnation);
  if (path_of(address) != file || leased_.contains(file)) {
    return base::fail(address.text() + " is not the instance's socket");
  }
  if (auto entered = enter(folder, spec); !entered) return std::unexpected(entered.error());
  leased_.insert(file);
  return other_user(spec) ? address.owned_by(spec.credentials->uid) : address;
}

void SocketLeases::give_back(const base::Address& address) {
  path file = path_of(address);
  [[maybe_unused]] std::size_t known = leased_.erase(file);
  assert(known == 1);
  (void)::unlink(file.c_str());  // already gone, or never made, is fine
  leave(file.parent_path());
}

Expected<SocketLeases::Listening> SocketLeases::listening(const routing::Identity& who,
                                                          const spec::Spec& spec) {
  routing::Identity slot = who;
  slot.incarnation = {};
  if (auto open = listening_.find(slot); open != listening_.end()) {
    if (in_place(open->second)) return Listening{open->second.address, open->second.fd.get()};
    close(open->second);
    listening_.erase(open);
  }
  path folder = config::socket_folder(runtime_dir_, spec.app.name, who.generation);
  path file = folder / config::listener_name(who.slot);
  auto address = base::Address::unix_path(file.string());
  if (!address) return std::unexpected(address.error());
  if (auto entered = enter(folder, spec); !entered) return std::unexpected(entered.error());
  const std::string held_as =
      fmt::format("fd/{}/{}.{}", spec.app.name, who.generation.value(), who.slot.value());
  auto fd = open_at(file, *address, spec, held_as);
  if (!fd) {
    leave(folder);
    return std::unexpected(fd.error());
  }
  int number = fd->get();
  struct stat st{};
  (void)::lstat(file.c_str(), &st);  // on failure the file is already gone, and is found missing
  listening_.emplace(slot, Open{file, *address, std::move(*fd), held_as, st.st_dev, st.st_ino});
  return Listening{*address, number};
}

// The one that a former daemon opened, if it is held; otherwise a new one.
Expected<base::UniqueFd> SocketLeases::open_at(const path& file, const base::Address& address,
                                               const spec::Spec& spec, const std::string& held_as) {
  if (base::UniqueFd held = holder_ != nullptr ? holder_->take(held_as) : base::UniqueFd()) {
    const auto at = loop::listening_address(held.get());
    if (at && at->text() == address.text()) return held;
  }
  if (auto removed = remove_file(file); !removed) return std::unexpected(removed.error());
  auto fd = listen_at(file, address, spec);
  if (fd && holder_ != nullptr) holder_->hold(held_as, fd->get());
  return fd;
}

bool SocketLeases::in_place(const Open& open) {
  struct stat st{};
  return ::lstat(open.path.c_str(), &st) == 0 && st.st_dev == open.device && st.st_ino == open.inode;
}

bool SocketLeases::in_place(const base::Address& address) const {
  if (!address.is_unix()) return true;
  const path file = path_of(address);
  for (const auto& [slot, open] : listening_) {
    if (open.path == file) return in_place(open);
  }
  struct stat st{};
  if (!leased_.contains(file) || ::lstat(file.c_str(), &st) == 0) return true;
  // Without the right to look, nothing is known.
  return errno != ENOENT && errno != ENOTDIR;
}

void SocketLeases::close_listening(const std::function<bool(const routing::Identity&)>& is_over) {
  for (auto it = listening_.begin(); it != listening_.end();) {
    if (!is_over(it->first)) {
      ++it;
      continue;
    }
    close(it->second);
    it = listening_.erase(it);
  }
}

void SocketLeases::close(const Open& open) {
  // A process that escaped may also hold it: no client shall wait for that one. No more connections come in,
  // so the loop ends, and accept does not wait.
  (void)::unlink(open.path.c_str());
  (void)::shutdown(open.fd.get(), SHUT_RD);
  while (base::UniqueFd(::accept4(open.fd.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
  }
  if (holder_ != nullptr) holder_->release(open.held_as);
  leave(open.path.parent_path());
}

}  // namespace gracevisor::supervise
