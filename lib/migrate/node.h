// An ecosystem.config.js is a program: only running it tells what it exports. Only on request, with node, and
// bounded in time and bytes; never as root. Thread: the one that imports, which it blocks.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace gracevisor::migrate {

using base::Millis;

inline constexpr Millis kNodePatience{10'000};
inline constexpr std::size_t kMostNodeBytes = 1U << 20;

// Is it such a program, by its name?
[[nodiscard]] bool is_program(const std::filesystem::path& path);

// What the file exports, as JSON. What it prints goes to standard error. When the time is over, or too much
// comes, its process group is killed. An error for root: the file would run with all rights.
[[nodiscard]] base::Expected<std::string> read_with_node(const std::filesystem::path& path,
                                                         Millis patience = kNodePatience);

}  // namespace gracevisor::migrate
