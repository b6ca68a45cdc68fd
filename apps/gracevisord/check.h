// gracevisord --check: what spec/config_check.h found, for a reader. Thread: the start-up's.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "options.h"

namespace gracevisor::daemon {

// Prints a summary and the map, or with --print the values, and the warnings or errors to standard error.
// Returns the exit code: 2 if there are errors, or warnings and --strict; otherwise 0.
[[nodiscard]] int check(const std::filesystem::path& file, std::optional<uid_t> owner,
                        const Options& options);

}  // namespace gracevisor::daemon
