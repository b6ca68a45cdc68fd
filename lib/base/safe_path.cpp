#include "base/safe_path.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <utility>

namespace gracevisor::base {
namespace {

constexpr int kMostLinks = 40;  // the kernel's limit
constexpr int kWay = O_PATH | O_NOFOLLOW | O_CLOEXEC;

std::unexpected<PathFailure> failure(const std::string& doing, int code) {
  return std::unexpected(PathFailure{system_error(doing, code), false});
}

std::unexpected<PathFailure> refusal(const std::string& what, int code = EPERM) {
  return std::unexpected(PathFailure{{what, code}, true});
}

Acl acl_of(int fd) {
  // An O_PATH descriptor gives no access to extended attributes.
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0 ? Acl::present : Acl::none;
}

class Walk {
 public:
  // `asked`: the name used in messages.
  Walk(const std::filesystem::path& path, const PathRules& rules, const std::filesystem::path& asked)
      : path_(path), asked_(asked), rules_(rules) {}

  PathResult<Place> run() {
    std::error_code code;
    auto whole = std::filesystem::absolute(path_, code);
    if (code) return failure("cannot find " + path_.string(), code.value());
    push(whole.relative_path());
    if (auto begun = go_to_root(); !begun) return std::unexpected(begun.error());
    while (!done_) {
      if (pending_.empty()) return failure("cannot open " + path_.string(), EISDIR);
      std::string step = std::move(pending_.front());
      pending_.pop_front();
      auto taken = take(step);
      if (!taken) return std::unexpected(taken.error());
    }
    return std::move(place_);
  }

 private:
  // In front of what is left.
  void push(const std::filesystem::path& relative) {
    std::deque<std::string> parts;
    for (const auto& part : relative) {
      if (!part.empty() && part != ".") parts.push_back(part.string());
    }
    pending_.insert(pending_.begin(), parts.begin(), parts.end());
  }

  PathResult<void> go_to_root() {
    folder_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) return failure("cannot open /", errno);
    shown_ = "/";
    return {};
  }

  PathResult<void> take(const std::string& step) {
    if (step == "..") return enter(UniqueFd(::openat(folder_.get(), "..", kWay | O_DIRECTORY)), step);
    bool last = pending_.empty();
    struct stat folder{};
    if (::fstat(folder_.get(), &folder) != 0) return failure("cannot stat " + shown_.string(), errno);
    UniqueFd next(::openat(folder_.get(), step.c_str(), kWay));
    int code = next ? 0 : errno;
    struct stat entry{};
    if (next && ::fstat(next.get(), &entry) != 0) return failure("cannot stat " + here(step), errno);
    if (auto allowed = judge(folder, next ? &entry : nullptr, step); !allowed) return allowed;
    if (!next && (code != ENOENT || (!last && !rules_.make_folders))) return stop(step, code);
    if (next && S_ISLNK(entry.st_mode) && (!last || rules_.follow_last)) return follow(next, step);
    if (last) return arrive(step, folder);
    if (!next) return make(step);
    if (!S_ISDIR(entry.st_mode)) return failure("cannot open " + here(step), ENOTDIR);
    return enter(std::move(next), step);
  }

  // A missing entry can be created by anyone who can write the folder; in a sticky one this is judged later,
  // by who created the entry.
  PathResult<void> judge(const struct stat& folder, const struct stat* entry, const std::string& step) {
    if (rules_.public_way && (folder.st_mode & S_IXOTH) == 0) {
      return refusal("cannot use " + asked_.string() + ": not every user can reach what lies in " +
                     shown_.string());
    }
    if (!rules_.trust.judged || rules_.public_way) return {};
    Acl acl = (folder.st_mode & S_IWGRP) != 0 ? acl_of(folder_.get()) : Acl::none;
    struct stat ours{};
    Writers who = replacers_of(folder, acl, entry != nullptr ? *entry : ours, rules_.trust, rules_.app);
    if (!who.stranger.empty()) {
      bool of_entry = entry != nullptr && (folder.st_mode & S_ISVTX) != 0 && folder.st_uid == 0;
      return refusal("cannot use " + asked_.string() + ": " +
                     (of_entry ? here(step) : "the folder " + shown_.string()) + " " + who.stranger +
                     "; as root the daemon follows only what no other user can replace");
    }
    place_.app_writes = place_.app_writes || who.app;
    return {};
  }

  // If the app's user controls part of the path, that user's rights decide what can be seen.
  PathResult<void> stop(const std::string& step, int code) {
    if (!place_.app_writes) return failure("cannot open " + here(step), code);
    place_.path = path_;
    place_.folder.reset();
    done_ = true;
    return {};
  }

  PathResult<void> follow(const UniqueFd& link, const std::string& step) {
    if (++links_ > kMostLinks) return failure("cannot open " + here(step), ELOOP);
    std::array<char, PATH_MAX> target{};
    ssize_t length = ::readlinkat(link.get(), "", target.data(), target.size());
    if (length <= 0 || length == PATH_MAX) return failure("cannot read the link " + here(step), errno);
    std::filesystem::path to(std::string(target.data(), static_cast<std::size_t>(length)));
    push(to.relative_path());
    return to.is_absolute() ? go_to_root() : PathResult<void>();
  }

  PathResult<void> make(const std::string& step) {
    if (place_.app_writes) return stop(step, ENOENT);
    if (::mkdirat(folder_.get(), step.c_str(), 0700) != 0 && errno != EEXIST) {
      return failure("cannot create the folder " + here(step), errno);
    }
    UniqueFd made(::openat(folder_.get(), step.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made) return failure("cannot open " + here(step), errno);
    struct stat st{};
    if (::fstat(made.get(), &st) != 0) return failure("cannot stat " + here(step), errno);
    if (st.st_uid != ::geteuid()) {
      return refusal("cannot use " + asked_.string() + ": uid " + std::to_string(st.st_uid) +
                     " made the folder " + here(step));
    }
    if (rules_.readers && ::fchown(made.get(), static_cast<uid_t>(-1), *rules_.readers) != 0) {
      return failure("cannot set the group of " + here(step), errno);
    }
    if (::fchmod(made.get(), rules_.folder_mode) != 0)
      return failure("cannot set the mode of " + here(step), errno);
    return enter(std::move(made), step);
  }

  PathResult<void> enter(UniqueFd folder, const std::string& step) {
    if (!folder) return failure("cannot open " + here(step), errno);
    shown_ = step == ".." ? shown_.parent_path() : shown_ / step;
    folder_ = std::move(folder);
    return {};
  }

  PathResult<void> arrive(const std::string& step, const struct stat& folder) {
    if (place_.app_writes) return stop(step, 0);
    place_.path = path_;
    place_.folder = std::move(folder_);
    place_.name = step;
    place_.sticky = (folder.st_mode & S_ISVTX) != 0;
    done_ = true;
    return {};
  }

  [[nodiscard]] std::string here(const std::string& step) const { return (shown_ / step).string(); }

  const std::filesystem::path& path_;
  const std::filesystem::path& asked_;
  const PathRules& rules_;
  std::deque<std::string> pending_;
  UniqueFd folder_;
  std::filesystem::path shown_;
  int links_ = 0;
  bool done_ = false;
  Place place_;
};

// Also judges the inode's mode and owner. `names`: how many names it may have; 0: any number.
PathResult<OpenedFile> judged(UniqueFd fd, const Place& place, const PathRules& rules, nlink_t names) {
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return failure("cannot stat " + place.path.string(), errno);
  if (S_ISDIR(st.st_mode)) return refusal(place.path.string() + " is a directory", EISDIR);
  if (!S_ISREG(st.st_mode)) return refusal(place.path.string() + " is not a regular file", EINVAL);
  if (names != 0 && st.st_nlink > names) {
    return refusal("cannot use " + place.path.string() + ": the file has a second name (a hard link)",
                   EMLINK);
  }
  Acl acl = rules.trust.judged && (st.st_mode & S_IWGRP) != 0 ? acl_of(fd.get()) : Acl::none;
  Writers who = writers_of(st, acl, rules.trust, rules.app);
  if (!who.stranger.empty())
    return refusal("cannot use " + place.path.string() + ": the file " + who.stranger);
  return OpenedFile{std::move(fd), who.app, static_cast<std::uint64_t>(st.st_size)};
}

}  // namespace

PathResult<Place> find_place(const std::filesystem::path& path, const PathRules& rules) {
  return Walk(path, rules, path).run();
}

PathResult<OpenedFile> open_log(const Place& place, const PathRules& rules) {
  // O_NONBLOCK: opening a FIFO must not wait for its reader.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  auto failed = [&](int code) -> PathResult<OpenedFile> {
    if (code == ELOOP) return refusal("cannot use " + place.path.string() + ": it is a symbolic link", ELOOP);
    if (code == EISDIR) return refusal(place.path.string() + " is a directory", EISDIR);
    if (code == ENXIO) return refusal(place.path.string() + " is not a regular file", EINVAL);
    return failure("cannot open " + place.path.string(), code);
  };
  constexpr int kTries = 3;  // each fails only if someone creates or removes it at the same instant
  int code = ENOENT;
  for (int i = 0; i < kTries && (code == ENOENT || code == EEXIST); ++i) {
    UniqueFd fd(::openat(place.folder.get(), place.name.c_str(), kFlags));
    if (fd) return judged(std::move(fd), place, rules, 1);
    code = errno;
    if (code != ENOENT) break;
    fd.reset(::openat(place.folder.get(), place.name.c_str(), kFlags | O_CREAT | O_EXCL, 0600));
    code = fd ? 0 : errno;
    if (!fd) continue;
    if (rules.readers && ::fchown(fd.get(), static_cast<uid_t>(-1), *rules.readers) != 0)
      return failed(errno);
    if (::fchmod(fd.get(), kLogMode) != 0) return failed(errno);
    return OpenedFile{std::move(fd), false, 0};
  }
  return failed(code);
}

PathResult<OpenedFile> open_to_read(const Place& place, const PathRules& rules) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  UniqueFd fd(::openat(place.folder.get(), place.name.c_str(), kFlags));
  if (!fd) return failure("cannot open " + place.path.string(), errno);
  // In a sticky folder a second name may have been made by another user, for a file that they cannot read.
  return judged(std::move(fd), place, rules, place.sticky && rules.trust.judged ? 1 : 0);
}

PathResult<OpenedFile> open_to_show(const std::filesystem::path& path, const PathRules& rules) {
  PathRules how = rules;
  how.follow_last = true;
  auto open = [&]() -> PathResult<OpenedFile> {
    auto place = find_place(path, how);
    if (!place) return std::unexpected(std::move(place.error()));
    return open_to_read(*place, how);
  };
  auto trusted = open();
  if (trusted || !trusted.error().refused) return trusted;
  how.public_way = true;
  how.trust.judged = false;
  auto shown = open();
  if (!shown) return shown;
  struct stat st{};
  if (::fstat(shown->fd.get(), &st) != 0) return failure("cannot stat " + path.string(), errno);
  if ((st.st_mode & S_IROTH) == 0) return trusted;
  return shown;
}

PathResult<UniqueFd> hold_folder(const std::filesystem::path& path, const PathRules& rules) {
  PathRules way = rules;
  way.follow_last = false;
  // One step further, so that the folder itself counts as a folder on the way.
  const std::filesystem::path inside = path / "x";
  auto place = Walk(inside, way, path).run();
  if (!place) return std::unexpected(std::move(place.error()));
  if (!place->folder) return refusal("cannot use " + path.string() + ": the user of an app can replace it");
  UniqueFd fd(::openat(place->folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failure("cannot open " + path.string(), errno);
  return fd;
}

PathResult<UniqueFd> own_folder(const std::filesystem::path& path, const PathRules& rules) {
  auto folder = hold_folder(path, rules);
  if (!folder) return folder;
  struct stat st{};
  if (::fstat(folder->get(), &st) != 0) return failure("cannot stat " + path.string(), errno);
  if (st.st_uid != ::geteuid() && st.st_uid != 0) {
    return refusal(path.string() + " belongs to another user (uid " + std::to_string(st.st_uid) + ")");
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refusal(path.string() + " can be written by other users: chmod go-w " + path.string());
  }
  return folder;
}

}  // namespace gracevisor::base
