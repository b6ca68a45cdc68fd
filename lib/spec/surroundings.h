// What an app gets from where the daemon runs: a working directory if it has none of its own, and a few
// variables. Thread: any; resolving looks at the disk.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::spec {

// What an app inherits from the daemon's environment, always with a PATH: never all of it, as that may hold
// what systemd told only the daemon, or the secrets of the user who started it.
[[nodiscard]] std::map<std::string, std::string> inherited_environment();

// The app's directory, or the daemon's own: absolute, without symbolic links. The error's code is errno's.
[[nodiscard]] base::Expected<std::filesystem::path> resolve_directory(const config::App& app);

}  // namespace gracevisor::spec
