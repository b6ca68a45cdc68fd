// Where the instances' Unix sockets are: <runtime_dir>/apps/APP/GENERATION/SLOT-INCARNATION.sock for endpoint
// = "socket", and .../SLOT.sock for endpoint = "fd", whose socket outlives an incarnation. One folder per
// generation, because a generation has one user and the app's next generation may have another.
// Thread: any; values.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/strong.h"
#include "config/config.h"

namespace gracevisor::config {

// sun_path has 108 bytes, and the last one is a NUL (unix(7)).
inline constexpr std::size_t kLongestSocketPath = 107;

// <runtime_dir>/apps: holds a folder per app.
[[nodiscard]] std::filesystem::path sockets_folder(const std::filesystem::path& runtime_dir);
[[nodiscard]] std::filesystem::path socket_folder(const std::filesystem::path& runtime_dir,
                                                  const std::string& app, base::GenerationId generation);
[[nodiscard]] std::string socket_name(base::Slot slot, base::Incarnation incarnation);
[[nodiscard]] std::string listener_name(base::Slot slot);

// The path of this app's last slot's socket, for a generation and incarnation that no app will reach.
[[nodiscard]] std::filesystem::path longest_socket_path(const std::filesystem::path& runtime_dir,
                                                        const App& app);

}  // namespace gracevisor::config
