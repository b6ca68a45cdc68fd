// Rotation of a log file: web.log becomes web.log.1, web.log.1 becomes web.log.2, and so on; what is older
// than `keep` goes. Thread: the writer's.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace gracevisor::output {

// The old file number `number` (1 is the newest) of `path`.
[[nodiscard]] std::filesystem::path old_file(const std::filesystem::path& path, unsigned number);

// Moves `path` out of the way, oldest file first, so that a crash between two renames loses nothing: it
// leaves a gap in the numbers, which the next rotation fills. `keep` == 0 removes the file. An error means
// that `path` is still in its place.
[[nodiscard]] base::Expected<void> rotate(const std::filesystem::path& path, unsigned keep);

}  // namespace gracevisor::output
