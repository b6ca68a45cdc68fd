// The default folder for what a daemon keeps only while it runs, unless its configuration names another. The
// daemon uses this folder, and gvctl looks for the daemon's socket in it. Thread: any.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace gracevisor::base {

// For root /run/gracevisor, for other users $XDG_RUNTIME_DIR/gracevisor. If that variable is empty or holds a
// relative path, which the XDG base directory rules say to ignore: /tmp/gracevisor-UID.
[[nodiscard]] std::filesystem::path default_runtime_folder(uid_t uid, std::string_view xdg_runtime_dir);

}  // namespace gracevisor::base
