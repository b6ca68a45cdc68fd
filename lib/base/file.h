// Whole files: read with a bound, replaced atomically. Thread: any; calls block on the disk.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

// A regular file, open for reading, and what it is; `more_flags` as for open(2). The error says what else it
// is.
[[nodiscard]] Expected<UniqueFd> open_regular(const std::filesystem::path& path, int more_flags,
                                              struct stat& st);

// The whole content; an error when it is longer than `limit` bytes or not a regular file.
[[nodiscard]] Expected<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

// The same from a file that is this process's own: its user's, with no right for anybody else, under one
// name, and no symbolic link. What another user may have written is an error that says so.
[[nodiscard]] Expected<std::string> read_own_file(const std::filesystem::path& path, std::size_t limit);

// The rest of a file that is open for reading; `name` is for messages.
[[nodiscard]] Expected<std::string> read_all(int fd, const std::string& name, std::size_t limit);

// temp + fsync + rename + fsync of the folder: afterwards the file holds either the old or the new content.
[[nodiscard]] Expected<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                          unsigned mode = 0640);

// Creates `path` and the folders above it where they are missing, each with `mode`
// whatever the umask; an empty path is the current folder.
[[nodiscard]] Expected<void> make_folders(const std::filesystem::path& path, unsigned mode);

}  // namespace gracevisor::base
