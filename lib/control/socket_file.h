// Where the control socket is. Thread: values, any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace gracevisor::control {

// The name, in the runtime folder, with which a daemon binds its socket before it takes its place: the
// kernel's tables go on showing it.
inline constexpr std::string_view kBoundAs = ".new.sock";

// In the runtime folder.
[[nodiscard]] std::filesystem::path socket_file(const std::filesystem::path& runtime_dir);

// Where this user's daemon listens by default: see base::default_runtime_folder().
[[nodiscard]] std::string default_socket_path(uid_t uid, std::string_view xdg_runtime_dir);

}  // namespace gracevisor::control
