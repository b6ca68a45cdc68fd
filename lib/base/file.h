// Whole files: read with a bound, replaced atomically. Thread: any; calls block on the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gracevisor::base {

// The whole content; an error when it is longer than `limit` bytes or not a regular file.
[[nodiscard]] Expected<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

// temp + fsync + rename + fsync of the folder: afterwards the file holds either the old or the new content.
[[nodiscard]] Expected<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                          unsigned mode = 0640);

// Creates `path` and the folders above it where they are missing, each with `mode`; an empty path is the
// current folder.
[[nodiscard]] Expected<void> make_folders(const std::filesystem::path& path, unsigned mode);

}  // namespace gracevisor::base
