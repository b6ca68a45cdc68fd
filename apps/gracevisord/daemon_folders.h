// The folders of a daemon: made, checked and locked before anything in them is used. Thread: the start-up's;
// calls block on the disk.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/safe_path.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "control/access.h"
#include "control/instance_lock.h"
#include "output/log_file.h"
#include "output/log_opener.h"
#include "spawn/launcher.h"

namespace gracevisor::daemon {

// How the daemon opens and makes what it writes.
[[nodiscard]] base::PathRules own_rules(const config::Config& config, const control::AccessPolicy& policy);

// A problem of the disk is no reason not to serve: what is live can still be read.
[[nodiscard]] bool disk_takes_nothing(int code);

// Makes the folders of state_dir. Returns what is wrong with the disk, for the log, or an empty text.
[[nodiscard]] base::Expected<std::string> make_state_folders(const std::filesystem::path& state_dir,
                                                             const base::PathRules& rules);

// The path to the runtime folder, which has its own owner and mode. Apps of other users pass through it.
[[nodiscard]] base::Expected<void> make_way(const std::filesystem::path& folder, base::PathRules rules);

// The lock's file in the state folder.
inline constexpr const char* kStateLock = "state.lock";
// Two daemons with one state folder would end each other's processes and overwrite each other's records. No
// lock when the folder cannot be written to, as nothing can be overwritten then. `held`: the lock's
// descriptor, if it is held already.
[[nodiscard]] base::Expected<std::optional<control::InstanceLock>> lock_state(
    const std::filesystem::path& state_dir, base::UniqueFd held);

// For the writer's thread, which asks no name service.
[[nodiscard]] std::shared_ptr<const output::LogOpener> log_opener(base::PathRules rules,
                                                                  const spawn::Launcher* launcher);

// The daemon's own log must be writable at the start, as far as its path and its owner are concerned: the
// disk may recover later, and a pipe (ENXIO) may get a reader.
[[nodiscard]] base::Expected<void> check_log_file(const output::FilePolicy& policy,
                                                  const base::PathRules& rules, const base::Clock& clock);

}  // namespace gracevisor::daemon
