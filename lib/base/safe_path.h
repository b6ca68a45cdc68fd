// Paths that root may act on: walked from / folder by folder, following symbolic links on the way by hand,
// and judging each step by who could have replaced it (path_trust.h). The result is a descriptor of the
// folder, for calls such as openat, renameat and unlinkat: nothing can be swapped between the judgement and
// the act.
//
//   each folder on the way --> a third user can replace the next step: refused
//                          --> the app's user can: done with that user's rights (spawn/file_helper.h)
//                          --> only trusted users can: the daemon acts
//
// In a sticky folder others cannot replace existing entries; a missing one is created exclusively, or judged
// by its owner if someone else created it first. Thread: any; calls block on the disk.
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
  bool refused = false;  // judged unsafe, or the wrong kind of file: not a disk error
};
template <class T>
using PathResult = std::expected<T, PathFailure>;

inline constexpr mode_t kFolderMode = 0750;
inline constexpr mode_t kLogMode = 0640;

struct PathRules {
  PathTrust trust;
  std::optional<AppUser> app;
  bool follow_last = false;   // follow a symbolic link in the last component, too
  bool public_way = false;    // allow only what every user can reach, instead of judging who can redirect it
  bool make_folders = false;  // create missing folders, with folder_mode regardless of the umask
  mode_t folder_mode = kFolderMode;
  std::optional<gid_t> readers;  // the group of created files and folders; unset: left as created
};

struct Place {
  std::filesystem::path path;  // as asked for
  UniqueFd folder;             // O_PATH; empty if the app's user has to walk the path
  std::string name;            // within the folder; not a link if follow_last is set
  bool app_writes = false;     // the app's user can replace what is there
  bool sticky = false;         // others can create entries in the folder
};

// Where `path` is. A missing folder is ENOENT, unless rules.make_folders is set.
[[nodiscard]] PathResult<Place> find_place(const std::filesystem::path& path, const PathRules& rules);

struct OpenedFile {
  UniqueFd fd;
  bool app_writes = false;  // the app's user can write the file itself
  std::uint64_t size = 0;
};

// A log, created with kLogMode regardless of the umask: a regular file with one name, never a link.
[[nodiscard]] PathResult<OpenedFile> open_log(const Place& place, const PathRules& rules);
// A regular file to read.
[[nodiscard]] PathResult<OpenedFile> open_to_read(const Place& place, const PathRules& rules);

// A file whose content is shown to everyone, such as an error page. If only trusted users can redirect the
// path, it is simply opened; otherwise only if every user can read the file and reach it anyway.
[[nodiscard]] PathResult<OpenedFile> open_to_show(const std::filesystem::path& path, const PathRules& rules);

// Makes sure that the folder `path` and those above it exist and that no untrusted user can replace any of
// them: using this path afterwards is safe. Missing ones are created according to the rules. The folder's own
// owner and mode are up to the caller, who gets it open for reading.
[[nodiscard]] PathResult<UniqueFd> hold_folder(const std::filesystem::path& path, const PathRules& rules);

// The same for a folder of the daemon's own: it belongs to root or to this process's user, and no one else
// can write to it.
[[nodiscard]] PathResult<UniqueFd> own_folder(const std::filesystem::path& path, const PathRules& rules);

}  // namespace gracevisor::base
