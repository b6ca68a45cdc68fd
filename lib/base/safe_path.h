// Paths that root may act on: walked from / folder by folder, with the symbolic links on the way followed by
// hand, and each step judged by who could have replaced it (path_trust.h). What comes out is a descriptor of
// the folder, for calls such as openat, renameat and unlinkat: between the judgement and the act nothing can
// be exchanged any more.
//
//   each folder on the way --> a third user can replace the next step: refused
//                          --> the app's user can: the act is for that user's rights (spawn/file_helper.h)
//                          --> nobody but root and the daemon's user can: the daemon acts
//
// In a sticky folder others cannot replace what is there; what is not there is made exclusively, or judged by
// its owner when somebody was faster. Thread: any; calls block on the disk.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/path_trust.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

struct PathFailure {
  Error error;
  bool refused = false;  // by a judgement, or since it is not what may stand there: not a fault of the disk
};
template <class T>
using PathResult = std::expected<T, PathFailure>;

inline constexpr mode_t kFolderMode = 0750;
inline constexpr mode_t kLogMode = 0640;

struct PathRules {
  PathTrust trust;
  std::optional<AppUser> app;
  bool follow_last = false;   // a symbolic link in the last place is followed, too
  bool public_way = false;    // only what every user can reach, instead of a judgement of who can bend it
  bool make_folders = false;  // missing ones, with folder_mode whatever the umask
  mode_t folder_mode = kFolderMode;
  std::optional<gid_t> readers;  // the group of what is made; unset: left as it comes
};

struct Place {
  std::filesystem::path path;  // as asked for
  UniqueFd folder;             // O_PATH; empty when the app's user has to find the way
  std::string name;            // in the folder; no link when it was to be followed
  bool app_writes = false;     // the app's user can exchange what is there
  bool sticky = false;         // others can make entries in the folder
};

// Where `path` is. A folder that is missing is ENOENT, unless it is to be made.
[[nodiscard]] PathResult<Place> find_place(const std::filesystem::path& path, const PathRules& rules);

struct OpenedFile {
  UniqueFd fd;
  bool app_writes = false;  // the app's user can write the file itself
  std::uint64_t size = 0;
};

// A log, made with kLogMode whatever the umask: a regular file with one name, never a link.
[[nodiscard]] PathResult<OpenedFile> open_log(const Place& place, const PathRules& rules);
// A file to be read; regular.
[[nodiscard]] PathResult<OpenedFile> open_to_read(const Place& place, const PathRules& rules);

// A file whose content is shown to everybody, such as an error page: where nobody but those who are trusted
// can bend the path it is read as it is; elsewhere only what every user can read anyway, on a way that every
// user can go.
[[nodiscard]] PathResult<OpenedFile> open_to_show(const std::filesystem::path& path, const PathRules& rules);

// The folder `path` and those above it are there, and nobody can exchange one of them that is not trusted:
// what is done by this path afterwards is safe. Missing ones are made, by the rules. Its own owner and mode
// are the caller's business, who gets it open for reading.
[[nodiscard]] PathResult<UniqueFd> hold_folder(const std::filesystem::path& path, const PathRules& rules);

// The same for a folder of the daemon's own: it belongs to root or to this process's user, and nobody else
// can write it.
[[nodiscard]] PathResult<UniqueFd> own_folder(const std::filesystem::path& path, const PathRules& rules);

}  // namespace gracevisor::base
