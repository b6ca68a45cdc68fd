// Which configuration the daemon runs with: what the files say; after the end of another daemon of the same
// keeper what that one ran with; and if the files have errors, what was last in force, provided that there is
// something to serve. Thread: the start-up's; calls block on the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "config/config.h"
#include "options.h"

namespace gracevisor::daemon {

struct Found;

struct Configuration {
  config::Config config;
  std::filesystem::path file;  // absolute
};

// The configuration file, or unset: there is none, and that was said.
[[nodiscard]] std::optional<std::filesystem::path> find_configuration(const Options& options);
// A file that was merely found must belong to root or the daemon's user.
[[nodiscard]] std::optional<uid_t> owner_of(const Options& options);

// Errors and warnings are said; unset: there is nothing to run.
[[nodiscard]] std::optional<Configuration> configuration(const Options& options, const Found& found);

// Of a successor: what the owner runs with, but for the daemon's own settings, which the files say. What both
// daemons use has to be the same.
[[nodiscard]] base::Expected<Configuration> successor_configuration(const Options& options,
                                                                    const Found& found);

// If nobody reads standard error, waits only once, and not for long.
void complain(const std::string& lines);

}  // namespace gracevisor::daemon
