// Whole files: read with a bound, replaced atomically. Thread: any; calls block on the disk.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

// Opens a regular file for reading and fills in `st`; `more_flags` as for open(2). If it is not a regular
// file, the error says what it is.
[[nodiscard]] Expected<UniqueFd> open_regular(const std::filesystem::path& path, int more_flags,
                                              struct stat& st);

// The whole content; an error if it is longer than `limit` bytes or not a regular file.
[[nodiscard]] Expected<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

// The same for a file that is this process's own: owned by its user, with no rights for anyone else, with
// only one name, and not a symbolic link. A file that another user may have written gives an error that says
// so.
[[nodiscard]] Expected<std::string> read_own_file(const std::filesystem::path& path, std::size_t limit);

// The rest of a file open for reading; `name` is for messages.
[[nodiscard]] Expected<std::string> read_all(int fd, const std::string& name, std::size_t limit);

// `disk`: temp + fsync + rename + fsync of the folder, so that afterwards the file holds either the old or
// the new content. `process`: the same for whoever reads it as long as the machine runs; nothing waits for a
// disk.
enum class Outlives : std::uint8_t { process, disk };
[[nodiscard]] Expected<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                          unsigned mode = 0640, Outlives what = Outlives::disk);

// Creates `path` and the folders above it if they are missing, each with `mode` regardless of the umask; an
// empty path is the current folder.
[[nodiscard]] Expected<void> make_folders(const std::filesystem::path& path, unsigned mode);

}  // namespace gracevisor::base
