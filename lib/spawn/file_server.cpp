#include "spawn/file_server.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/numbered_files.h"
#include "base/safe_path.h"
#include "base/sealed_file.h"
#include "spawn/drop.h"
#include "spawn/file_request.h"
#include "spawn/plan_codec.h"
#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

using base::PathFailure;
using base::PathResult;
using base::UniqueFd;

std::unexpected<PathFailure> failed(const base::Error& error) {
  return std::unexpected(PathFailure{error, false});
}

// Refuses file systems where writing a file has side effects, or whose server is the user's own program,
// which could block a write by the daemon for ever.
PathResult<void> expect_storage(int fd, const std::string& path) {
  struct statfs where{};
  if (::fstatfs(fd, &where) != 0) return failed(base::system_error("cannot look at " + path, errno));
  constexpr std::array<unsigned long, 5> kNone = {PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC,
                                                  CGROUP2_SUPER_MAGIC, 0x65735546UL /* FUSE */};
  if (std::find(kNone.begin(), kNone.end(), static_cast<unsigned long>(where.f_type)) == kNone.end())
    return {};
  return std::unexpected(PathFailure{{path + " is on a file system that keeps no logs", EOPNOTSUPP}, true});
}

PathResult<UniqueFd> append(const FileRequest& request) {
  base::PathRules rules;
  rules.make_folders = true;
  auto place = base::find_place(request.path, rules);
  if (!place) return std::unexpected(place.error());
  auto opened = base::open_log(*place, rules);
  if (!opened) return std::unexpected(opened.error());
  if (auto storage = expect_storage(opened->fd.get(), request.path); !storage) {
    return std::unexpected(storage.error());
  }
  return std::move(opened->fd);
}

PathResult<UniqueFd> read(const FileRequest& request) {
  base::PathRules rules;
  rules.follow_last = true;
  auto place = base::find_place(request.path, rules);
  if (!place) return std::unexpected(place.error());
  auto opened = base::open_to_read(*place, rules);
  if (!opened) return std::unexpected(opened.error());
  UniqueFd copy(::memfd_create("gv-file", MFD_CLOEXEC));
  if (!copy) return failed(base::system_error("cannot create a memfd", errno));
  std::array<char, 65536> buffer{};
  std::uint64_t left = request.limit;
  for (;;) {
    ssize_t n = ::read(opened->fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(base::system_error("cannot read " + request.path, errno));
    if (n == 0) return copy;
    auto count = static_cast<std::size_t>(n);
    if (count > left) {
      return failed({request.path + " is longer than " + std::to_string(request.limit) + " bytes", EFBIG});
    }
    left -= count;
    // A memfd takes everything at once unless memory has run out.
    if (::write(copy.get(), buffer.data(), count) != n) {
      return failed(base::system_error("cannot copy " + request.path, errno));
    }
  }
}

// Where a log or an old file of one is: its folder, open for reading, and its name.
struct There {
  UniqueFd folder;
  std::string name;
};
PathResult<There> find(const FileRequest& request) {
  auto place = base::find_place(request.path, {});
  if (!place) return std::unexpected(place.error());
  UniqueFd folder(::openat(place->folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return failed(base::system_error("cannot open the folder of " + request.path, errno));
  return There{std::move(folder), place->name};
}

PathResult<UniqueFd> rotate(const FileRequest& request) {
  auto there = find(request);
  if (!there) return std::unexpected(there.error());
  auto shifted =
      base::shift_old_files(there->folder.get(), there->name, static_cast<unsigned>(request.limit));
  if (!shifted) return failed(shifted.error());
  return UniqueFd();
}

PathResult<UniqueFd> list(const FileRequest& request) {
  auto there = find(request);
  if (!there) return std::unexpected(there.error());
  auto sealed =
      base::seal(base::encode(base::list_old_files(there->folder.get(), there->name)), kListName, kMostList);
  if (!sealed) return failed(sealed.error());
  return std::move(*sealed);
}

PathResult<UniqueFd> remove(const FileRequest& request) {
  auto there = find(request);
  if (!there) return std::unexpected(there.error());
  if (::unlinkat(there->folder.get(), there->name.c_str(), 0) != 0 && errno != ENOENT) {
    return failed(base::system_error("cannot remove " + request.path, errno));
  }
  return UniqueFd();
}

PathResult<UniqueFd> begin_compressed(const FileRequest& request) {
  auto there = find(request);
  if (!there) return std::unexpected(there.error());
  auto part = base::begin_compressed(there->folder.get(), there->name, base::kLogMode);
  if (!part) return failed(part.error());
  if (auto storage = expect_storage(part->get(), request.path); !storage) {
    base::drop_compressed(there->folder.get(), there->name);
    return std::unexpected(storage.error());
  }
  return std::move(*part);
}

PathResult<UniqueFd> end_compressed(const FileRequest& request, bool complete) {
  auto there = find(request);
  if (!there) return std::unexpected(there.error());
  if (!complete) {
    base::drop_compressed(there->folder.get(), there->name);
  } else if (auto ended = base::end_compressed(there->folder.get(), there->name, request.limit); !ended) {
    return failed(ended.error());
  }
  return UniqueFd();
}

PathResult<UniqueFd> look(const FileRequest& request) {
  auto place = base::find_place(request.path, {});
  if (!place) return std::unexpected(place.error());
  auto opened = base::open_to_read(*place, {});
  if (!opened) return std::unexpected(opened.error());
  if (auto storage = expect_storage(opened->fd.get(), request.path); !storage) {
    return std::unexpected(storage.error());
  }
  return std::move(opened->fd);
}

PathResult<UniqueFd> act(const FileRequest& request) {
  if (::geteuid() == 0) {
    if (auto step = drop_to(request.who))
      return failed(base::system_error("cannot become the app's user", step->code));
  } else if (::geteuid() != request.who.uid) {
    return failed(base::system_error("cannot become the app's user", EPERM));
  }
  (void)::umask(022);
  switch (request.deed) {
    case FileDeed::append: return append(request);
    case FileDeed::read: return read(request);
    case FileDeed::rotate: return rotate(request);
    case FileDeed::look: return look(request);
    case FileDeed::list: return list(request);
    case FileDeed::remove: return remove(request);
    case FileDeed::begin_compressed: return begin_compressed(request);
    case FileDeed::end_compressed: return end_compressed(request, true);
    case FileDeed::drop_compressed: return end_compressed(request, false);
  }
  return failed({"no such deed", EINVAL});
}

// One packet, whole or not at all.
bool send(const FileAnswer& answer, const UniqueFd& fd) {
  std::string text = encode(answer);
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd) {
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    int number = fd.get();
    std::memcpy(CMSG_DATA(header), &number, sizeof number);
  }
  return ::sendmsg(kReportFd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

}  // namespace

bool holds_file_request(int fd) {
  std::uint32_t magic = 0;
  return ::pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic == kFileMagic;
}

void serve_file_request() {
  FileAnswer answer;
  UniqueFd fd;
  auto bytes = base::read_sealed(kPlanFd, kPlanName, kMostPlan);
  auto request = bytes ? decode_file_request(*bytes) : std::unexpected(bytes.error());
  if (!request) {
    answer = {request.error().code, 0, request.error().what};
  } else if (auto done = act(*request)) {
    fd = std::move(*done);
  } else {
    answer = {done.error().error.code, done.error().refused ? 1U : 0U, done.error().error.what};
  }
  ::_exit(send(answer, fd) ? 0 : kHelperFailed);
}

}  // namespace gracevisor::spawn
