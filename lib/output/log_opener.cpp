#include "output/log_opener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/numbered_files.h"
#include "base/sealed_file.h"
#include "spawn/file_helper.h"

namespace gracevisor::output {
namespace {

// Short, because other files wait meanwhile.
constexpr std::chrono::milliseconds kPatience{3000};
// Shorter still: who reads a log must not hold up those that are written.
constexpr std::chrono::milliseconds kReadPatience{1000};

using base::PathFailure;
using base::PathResult;
using base::UniqueFd;

bool is_stream(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 3> kStreams = {"/dev/stdout", "/dev/stderr", "/dev/null"};
  return std::find(kStreams.begin(), kStreams.end(), path.native()) != kStreams.end();
}

std::unexpected<PathFailure> failed(const std::string& doing, int code) {
  return std::unexpected(PathFailure{base::system_error(doing, code), false});
}

PathResult<LogOpener::Opened> open_stream(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe without a reader must not stall every other file.
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return failed("cannot open " + path.string(), errno);
  // Never rotated, even if redirected to a regular file.
  return LogOpener::Opened{std::move(fd), false, 0};
}

}  // namespace

base::PathRules LogOpener::rules_for(const FilePolicy& policy) const {
  base::PathRules rules;
  rules.trust = trust_;
  rules.readers = readers_;
  bool another = policy.user != nullptr && policy.user->uid != 0 && policy.user->uid != ::geteuid();
  if (another) rules.app = base::AppUser{policy.user->uid, policy.user->gid};
  return rules;
}

PathResult<LogOpener::Opened> LogOpener::open(const FilePolicy& policy) const {
  if (is_stream(policy.path)) return open_stream(policy.path);
  base::PathRules rules = rules_for(policy);
  rules.make_folders = true;
  auto place = base::find_place(policy.path, rules);
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) return open_as_user(policy);
  auto file = base::open_log(*place, rules);
  if (!file) return std::unexpected(std::move(file.error()));
  if (file->app_writes) return open_as_user(policy);
  return Opened{std::move(file->fd), true, file->size};
}

PathResult<LogOpener::Opened> LogOpener::open_as_user(const FilePolicy& policy) const {
  auto fd = as_user(policy, spawn::FileDeed::append, 0);
  if (!fd && fd.error().error.code == EACCES) {
    // A file that the daemon created in the user's folder: the user may rename it but not write it.
    if (as_user(policy, spawn::FileDeed::rotate, std::max(policy.keep, 1U))) {
      fd = as_user(policy, spawn::FileDeed::append, 0);
    }
  }
  if (!fd) return std::unexpected(std::move(fd.error()));
  struct stat st{};
  if (::fstat(fd->get(), &st) != 0) return failed("cannot stat " + policy.path.string(), errno);
  return Opened{std::move(*fd), true, static_cast<std::uint64_t>(st.st_size)};
}

PathResult<UniqueFd> LogOpener::as_user(const FilePolicy& policy, spawn::FileDeed deed,
                                        std::uint64_t limit) const {
  return as_user({deed, std::filesystem::absolute(policy.path).string(), *policy.user, limit}, kPatience);
}

PathResult<UniqueFd> LogOpener::as_user(const spawn::FileRequest& request,
                                        std::chrono::milliseconds patience) const {
  if (launcher_ == nullptr) return failed("cannot use " + request.path + " with its user's rights", EPERM);
  return spawn::do_as_user(*launcher_, request, patience);
}

PathResult<UniqueFd> LogOpener::open_to_read(const FilePolicy& policy, unsigned number,
                                             bool compressed) const {
  FilePolicy wanted = policy;
  if (number > 0) wanted.path = base::old_name(policy.path.string(), number, compressed);
  auto read_as_user = [&] {
    return as_user({spawn::FileDeed::look, std::filesystem::absolute(wanted.path).string(), *policy.user, 0},
                   kReadPatience);
  };
  base::PathRules rules = rules_for(policy);
  auto place = base::find_place(wanted.path, rules);
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) return read_as_user();
  auto file = base::open_to_read(*place, rules);
  if (!file) return std::unexpected(std::move(file.error()));
  if (file->app_writes) return read_as_user();
  return std::move(file->fd);
}

PathResult<void> LogOpener::rotate(const FilePolicy& policy) const {
  auto place = base::find_place(policy.path, rules_for(policy));
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) {
    auto done = as_user(policy, spawn::FileDeed::rotate, policy.keep);
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
  }
  auto shifted = base::shift_old_files(place->folder.get(), place->name, policy.keep);
  if (!shifted) return std::unexpected(PathFailure{std::move(shifted.error()), false});
  return {};
}

PathResult<std::vector<base::OldFile>> LogOpener::list(const FilePolicy& policy) const {
  auto place = base::find_place(policy.path, rules_for(policy));
  if (!place) return std::unexpected(std::move(place.error()));
  if (!place->app_writes) return base::list_old_files(place->folder.get(), place->name);
  auto answer = as_user(policy, spawn::FileDeed::list, 0);
  if (!answer) return std::unexpected(std::move(answer.error()));
  auto text = base::read_sealed(answer->get(), spawn::kListName, spawn::kMostList);
  auto files = text ? base::decode_old_files(*text) : std::unexpected(text.error());
  if (!files) return std::unexpected(PathFailure{std::move(files.error()), true});
  return std::move(*files);
}

PathResult<void> LogOpener::remove(const FilePolicy& policy, const base::OldFile& old) const {
  FilePolicy wanted = policy;
  wanted.path = base::old_name(policy.path.string(), old.number, old.compressed);
  auto place = base::find_place(wanted.path, rules_for(policy));
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) {
    auto done = as_user(wanted, spawn::FileDeed::remove, 0);
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
  }
  if (::unlinkat(place->folder.get(), place->name.c_str(), 0) != 0 && errno != ENOENT) {
    return failed("cannot remove " + wanted.path.string(), errno);
  }
  return {};
}

PathResult<UniqueFd> LogOpener::begin_compressed(const FilePolicy& policy) const {
  auto place = base::find_place(policy.path, rules_for(policy));
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) return as_user(policy, spawn::FileDeed::begin_compressed, 0);
  auto part = base::begin_compressed(place->folder.get(), place->name, base::kLogMode);
  if (!part) return std::unexpected(PathFailure{std::move(part.error()), false});
  if (readers_ && ::fchown(part->get(), static_cast<uid_t>(-1), *readers_) != 0) {
    const int code = errno;
    base::drop_compressed(place->folder.get(), place->name);
    return failed("cannot set the group of what is compressed of " + policy.path.string(), code);
  }
  return std::move(*part);
}

PathResult<void> LogOpener::end_compressed(const FilePolicy& policy, std::uint64_t source) const {
  auto place = base::find_place(policy.path, rules_for(policy));
  if (!place) return std::unexpected(std::move(place.error()));
  if (place->app_writes) {
    auto done = as_user(policy, spawn::FileDeed::end_compressed, source);
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
  }
  auto ended = base::end_compressed(place->folder.get(), place->name, source);
  if (!ended) return std::unexpected(PathFailure{std::move(ended.error()), false});
  return {};
}

void LogOpener::drop_compressed(const FilePolicy& policy) const {
  auto place = base::find_place(policy.path, rules_for(policy));
  if (!place) return;
  if (place->app_writes) {
    (void)as_user(policy, spawn::FileDeed::drop_compressed, 0);
  } else {
    base::drop_compressed(place->folder.get(), place->name);
  }
}

PathResult<base::Place> LogOpener::find_socket(const FilePolicy& policy) const {
  base::PathRules rules;
  rules.trust = trust_;
  rules.follow_last = true;
  return base::find_place(policy.path, rules);
}

PathResult<void> LogOpener::check(const FilePolicy& policy) const {
  if (policy.path.empty() || is_stream(policy.path)) return {};
  base::PathRules rules = rules_for(policy);
  auto place = base::find_place(policy.path, rules);
  if (!place) {
    if (place.error().error.code == ENOENT) return {};
    return std::unexpected(std::move(place.error()));
  }
  if (place->app_writes) return {};
  struct stat st{};
  if (::fstatat(place->folder.get(), place->name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return {};
  auto file = base::open_log(*place, rules);
  if (!file) return std::unexpected(std::move(file.error()));
  return {};
}

}  // namespace gracevisor::output
